"""Requests that nobody has thought of: of all that the site answers to, with fields that are right,
nearly so or absurd, in every shape that a body can have."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote, quote_plus

from attacks.nonsense import VALUES, Nonsense
from attacks.raw_http import request
from attacks.site_map import Route
from bench.people import PASSWORD

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY")
_IN_PATH = re.compile(r"<(?:\w+:)?(\w+)>")
_LONGEST_QUERY = 2_000
_BOUNDARY = "=-nonsense"
_NAMES: Sequence[object] = ("bob", "alice", "carol", "nobody", "lamp", "-", "Bob ", "../bob", "жук")
_FITTING: Mapping[str, Sequence[object]] = {
    **dict.fromkeys(("name", "peer", "account", "q"), _NAMES),
    # Most are none: to look at one takes as long as fifty other requests.
    **dict.fromkeys(("password", "new_password"), (PASSWORD, "wrong", None, 7, [], True)),
    **dict.fromkeys(("display_name", "reason", "recovery", "beginning"), ("Ж 👍", "a", "x" * 64)),
    **dict.fromkeys(("muted", "archived", "pinned", "hides_read", "hides_presence"), (True, False)),
    **dict.fromkeys(("before", "after", "limit", "keep_days"), (1, 20, 200, 2**53)),
    **dict.fromkeys(("code", "invitation", "link", "cursor"), ("123456", "x" * 43, "MTox")),
    "asks_first": (True, False),
    "from": ("2026-11-23", "2026-11-23T20:37:15Z"),
    "to": ("2026-11-24", "9999-99-99"),
    "kind": ("browser", "phone", "thing"),
    "messages": ("keep", "erase", [], [1], [1, 2**53]),
    "act": ("disable", "enable", "make-admin", "make-no-admin", "reset", "delete"),
    "endpoint": ("https://push.example.org/x", "http://127.0.0.1/", "file:///etc/passwd"),
    "next": ("/settings", "//evil.example", "/\\evil.example", "javascript:alert(1)"),
    "filename": ("main.js", "style.css", "../__init__.py", "..%2f..%2fchat/secrets.py"),
    "number": (1, 0, 2**63, 2**64),
}
_ODD_HEADERS = (
    *({"Accept": each} for each in ("*/*;q=x", "image/png", "ж" * 3, "," * 500)),
    *({"Range": each} for each in ("bytes=0-1", "bytes=5-1", "bytes=-" + "9" * 40)),
    *({"If-None-Match": each} for each in ("*", '"x', "W/" * 50)),
    *({"If-Modified-Since": each} for each in ("0", "Fri, 99 Foo 99999 00:00:00 GMT")),
    *({"X-Forwarded-For": each} for each in ("127.0.0.1", "::1, x", "\t")),
    *({"Content-Encoding": each} for each in ("gzip", "br, deflate")),
    *({"Expect": "100-continue"}, {"Transfer-Encoding": "chunked"}, {"Origin": "null"}),
    *({"Accept-Language": "x" * 300}, {"Content-Length": "7"}, {"Host": "evil.example"}),
)
_WRONG: Sequence[Mapping[str, str]] = (
    *({}, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}),
    *({"Authorization": "Basic Og=="}, {"Authorization": "Basic YWxpY2UueDp4"}),
    *({"Cookie": "katydid=x"}, {"Cookie": "katydid=e30.a.b; katydid=e30"}, {"Cookie": "=;;\xff"}),
)


class Requests:
    """Of somebody who is let in with these headers, and whose pages carry that token."""

    def __init__(
        self,
        nonsense: Nonsense,
        routes: Sequence[Route],
        headers: Mapping[str, str],
        token: str = "",
    ) -> None:
        self._nonsense = nonsense
        self._chance = nonsense.chance
        self._routes = routes
        self._headers = headers
        self._token = token

    def request(self) -> bytes:
        """The next one; most would be let in, and a quarter are no longer HTTP in some byte."""
        route = self._chance.choice(self._routes)
        method = self._chance.choice(route.methods if self._is_likely() else _METHODS)
        path = _IN_PATH.sub(lambda found: quote(_words(self._value(found[1])), safe=""), route.path)
        content_type, body = self._body(route)
        headers = {
            **(self._headers if self._is_likely() else self._chance.choice(_WRONG)),
            **({"X-CSRFToken": self._token} if self._is_likely() else {}),
            **(
                {"Content-Type": content_type} if self._is_likely() else {"Content-Type": "x/y; =;"}
            ),
            **({} if self._is_likely() else self._chance.choice(_ODD_HEADERS)),
        }
        encoded = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        whole = request(method, path + self._query(route), headers=encoded, body=body)
        return self._nonsense.mutated(whole) if self._chance.random() < 0.25 else whole

    def _is_likely(self) -> bool:
        return self._chance.random() < 0.9

    def _query(self, route: Route) -> str:
        # Where it is longer, it is refused before anybody looks at it.
        return f"?{self._form(route)[:_LONGEST_QUERY]}" if self._chance.random() < 0.5 else ""

    def _body(self, route: Route) -> tuple[str, bytes]:
        """Its type, and what is said to be of it."""
        kinds: Sequence[tuple[str, Callable[[Route], str | bytes]]] = (
            ("application/json", self._json),
            ("application/json", lambda _: self._nonsense.payload()),
            ("application/x-www-form-urlencoded", self._form),
            (f"multipart/form-data; boundary={_BOUNDARY}", self._multipart),
        )
        # The API reads JSON alone, so the most of it.
        content_type, made = self._chance.choices(kinds, (5, 1, 3, 1))[0]
        body = made(route)
        return content_type, body.encode() if isinstance(body, str) else body

    def _json(self, route: Route) -> str:
        return json.dumps(dict(self._pairs(route)))

    def _form(self, route: Route) -> str:
        return "&".join(
            f"{quote_plus(name)}={_quoted(value)}" for name, value in self._pairs(route)
        )

    def _multipart(self, route: Route) -> str:
        parts = [
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
            f"{'' if self._is_likely() else '; filename=x'}\r\n\r\n{_words(value)}\r\n"
            for name, value in self._pairs(route)
        ]
        return "".join([*parts, f"--{_BOUNDARY}--\r\n"])

    def _pairs(self, route: Route) -> Sequence[tuple[str, object]]:
        """Fields as they are asked for; or some, twice, with others between."""
        names = list(route.names)
        if not self._is_likely():
            names = self._chance.choices((*names, "x", "жук", ""), k=self._chance.randrange(6))
        return [(name, self._value(name)) for name in names]

    def _value(self, name: str) -> object:
        if name == "csrf_token" and self._is_likely():
            return self._token
        if name in _FITTING and self._is_likely():
            return self._chance.choice(_FITTING[name])
        return self._chance.choice(VALUES)


def _quoted(value: object) -> str:
    return quote_plus(_words(value))


def _words(value: object) -> str:
    """As a form has it, which knows no halves of a character."""
    return str(value).encode(errors="replace").decode()
