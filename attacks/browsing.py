"""A browser without a window: it keeps its cookies, and knows the token of the page it saw last."""

import re
from typing import Any, Self

import httpx

from attacks.place import Place
from bench.people import PASSWORD

_TOKEN = re.compile(r'name="csrf[-_]token" (?:value|content)="([^"]+)"')
COOKIE = "katydid"


class Browser:
    """Of somebody who is not logged in yet; what it is answered is an attacker's."""

    def __init__(self, place: Place) -> None:
        self.client = place.http()
        self.token = ""

    def see(self, path: str) -> httpx.Response:
        """A page; its token is used from then on."""
        answer = self.client.get(path)
        if (found := _TOKEN.search(answer.text)) is not None:
            self.token = found[1]
        return answer

    def log_in(self, account: str, **more: str) -> httpx.Response:
        """By the form."""
        self.see("/login")
        form = {"account": account, "password": PASSWORD, "csrf_token": self.token, **more}
        return self.client.post("/login", data=form)

    def logged_in(self, account: str) -> Self:
        """Log in, and see the page that comes then."""
        self.log_in(account)
        self.see("/")
        return self

    @property
    def cookie(self) -> str | None:
        return self.client.cookies.get(COOKIE)

    def write(self, method: str, path: str, json: Any, *, token: str | None = None) -> int:
        """The status of a write as a page's scripts make it; with another token than the page's, if
        one is given."""
        headers = {"X-CSRFToken": self.token if token is None else token}
        return self.client.request(method, path, json=json, headers=headers).status_code

    def is_in(self) -> bool:
        """Whether the site knows it."""
        return self.client.get("/api/v1/accounts/me").status_code == httpx.codes.OK
