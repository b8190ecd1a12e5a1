"""Who visits the site in a test: a browser with its cookies, or a program with a password.

Both talk to the Flask app without a network; those in `served.py` go over a real one. Each answer
of the API has to be one that openapi.json describes.
"""

import re
from typing import Any, Self

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.contract import Answer, assert_described, closed_openapi

PASSWORD = "correct horse battery"
# In the form of a page, or in its head for its scripts.
TOKEN = re.compile(r'name="csrf[-_]token" (?:value|content)="([^"]+)"')


class Browser:
    """Keeps its cookies, and sends the token of the page that it saw last."""

    def __init__(self, app: Flask, *, address: str = "192.0.2.1") -> None:
        self._client: FlaskClient = app.test_client()
        self._address = {"REMOTE_ADDR": address}
        self.token = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        response = self._client.get(path, environ_base=self._address, **options)
        _check(self._client.application, response)
        if response.mimetype == "text/html" and (found := TOKEN.search(response.text)):
            self.token = found[1]
        return response

    def send_form(self, path: str, *, token: str | None = None, **fields: str) -> TestResponse:
        """A form as the page has it; another token than the page's own, if one is given."""
        sent = {**fields, "csrf_token": self.token if token is None else token}
        return self._client.post(path, data=sent, environ_base=self._address)

    def call(self, method: str, path: str, json: Any = None) -> TestResponse:
        """A write as the page's scripts make it."""
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        response = self._client.open(
            path, method=method, json=json, headers=headers, environ_base=self._address
        )
        _check(self._client.application, response)
        return response

    def log_in(self, account: str, password: str = PASSWORD) -> Self:
        self.get("/login")
        response = self.send_form("/login", account=account, password=password)
        assert response.status_code == 302, response.text
        self.get("/")
        return self

    def cookie(self) -> str | None:
        """The session cookie's value."""
        found = self._client.get_cookie("katydid")
        return found.value if found else None

    def set_cookie(self, value: str, *, name: str = "katydid") -> None:
        self._client.set_cookie(name, value)


class Program:
    """Sends a name and a password with every request, and keeps no cookies."""

    def __init__(
        self, app: Flask, name: str, password: str = PASSWORD, *, address: str = "192.0.2.1"
    ) -> None:
        self._client = app.test_client(use_cookies=False)
        self._address = {"REMOTE_ADDR": address}
        self._auth = (name, password)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.open("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None) -> TestResponse:
        return self.open("PATCH", path, json=json)

    def put(self, path: str, json: Any = None) -> TestResponse:
        return self.open("PUT", path, json=json)

    def delete(self, path: str, json: Any = None) -> TestResponse:
        return self.open("DELETE", path, json=json)

    def open(self, method: str, path: str, **options: Any) -> TestResponse:
        response = self._client.open(
            path, method=method, auth=self._auth, environ_base=self._address, **options
        )
        _check(self._client.application, response)
        return response


def _check(app: Flask, response: TestResponse) -> None:
    request = response.request
    # What is made while it is sent is left to who asked for it.
    body = response.get_data() if "json" in (response.mimetype or "") else b""
    answer = Answer(
        request.method, request.path, response.status_code, dict(response.headers), body
    )
    assert_described(closed_openapi(app), answer)


def assert_problem(
    response: TestResponse, status: int, *, field: str | None = None, says: str = ""
) -> None:
    """It is a whole problem (RFC 9457) with this status, about this field, saying so."""
    assert response.status_code == status, response.text
    assert response.mimetype == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == status
    assert problem["type"].startswith(("urn:katydid:problem:", "about:blank"))
    assert problem["title"]
    assert says in problem["detail"]
    assert problem["detail"].endswith(".")
    assert problem.get("field") == field
    assert "Traceback" not in response.text
