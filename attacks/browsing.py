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
        self._place = place
        self.client = place.http()
        self.token = self.account = ""

    def see(self, path: str) -> httpx.Response:
        """A page; its token is used from then on."""
        answer = self.client.get(path)
        if (found := _TOKEN.search(answer.text)) is not None:
            self.token = found[1]
        return answer

    def send(self, path: str, *, token: str | None = None, **form: str) -> httpx.Response:
        """A form, as the page that it saw last has it; with another token, if one is given."""
        said = {"csrf_token": self.token if token is None else token, **form}
        return self.client.post(path, data=said)

    def copy(self) -> "Browser":
        """Another, with the same cookies and token: what a thief has."""
        made = Browser(self._place)
        made.client.cookies.update(self.client.cookies)
        made.token = self.token
        return made

    def log_in(self, account: str, **more: str) -> httpx.Response:
        """By the form."""
        self.account = account
        self.see("/login")
        return self.send("/login", account=account, **{"password": PASSWORD, **more})

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
