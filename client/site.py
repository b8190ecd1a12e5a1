"""The site's HTTP interface: one call each, answers as records; errors are Problem (it said no) or
Unreachable (nobody answered). What is asked again and again until it is there is the caller's.
"""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx

from .credential import Credential
from .errors import AuthorityNotUsable, Problem, Unreachable
from .records import NOT_UNDERSTOOD, Conversation, DeviceLine, Page

T = TypeVar("T")
_Auth = tuple[str, str]


class Site:
    """Asks as a device, once `auth` is set, or as the account where a password is given."""

    auth: _Auth | None = None

    # For the broker too, where an authority was given.
    tls: ssl.SSLContext | None

    def __init__(self, url: str, *, authority: Path | str | None, seconds: float) -> None:
        self.url = url.rstrip("/")
        self.tls = None if authority is None else _trusting(authority)
        self._client = httpx.AsyncClient(
            base_url=f"{self.url}/api/v1",
            timeout=seconds,
            # Where no TLS is spoken, nobody waits for the system's authorities to be read.
            verify=self.tls or url.startswith("https:"),
            headers={"Accept": "application/json, application/problem+json"},
        )

    async def add_device(
        self, name: str, auth: _Auth | None = None, *, code: str | None = None
    ) -> Credential:
        """A new device of the account, with all that a connection needs. The code is that of a
        second factor, beside the account's password."""
        content = {"name": name, "kind": "thing"}
        headers = {} if code is None else {"Katydid-Code": code}
        return await self._ask(
            _connection_of, "POST", "/devices", auth=auth, json=content, headers=headers
        )

    async def devices(self, auth: _Auth | None = None) -> tuple[DeviceLine, ...]:
        return await self._ask(_devices_of, "GET", "/devices", auth=auth)

    async def remove_device(self, device: str, auth: _Auth | None = None) -> None:
        await self._ask(_nothing, "DELETE", f"/devices/{quote(device, safe='')}", auth=auth)

    async def conversations(self) -> tuple[Conversation, ...]:
        """That with the newest text first."""
        return await self._ask(_conversations_of, "GET", "/conversations")

    async def history(
        self, peer: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> Page:
        """The newest messages below `before`, or the oldest above `after`, or simply the newest."""
        cursors = {"before": before, "after": after, "limit": limit}
        given = {name: value for name, value in cursors.items() if value is not None}
        path = f"/conversations/{quote(peer, safe='')}/messages"
        return await self._ask(Page.from_wire, "GET", path, params=given)

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(
        self,
        read: Callable[[Any], T],
        method: Literal["GET", "POST", "DELETE"],
        path: str,
        *,
        auth: _Auth | None = None,
        json: Any = None,
        params: dict[str, int] | None = None,
        headers: dict[str, str] | None = None,
    ) -> T:
        """What `read` makes of the answer."""
        who = auth or self.auth
        assert who is not None, "nobody is logged in"
        try:
            response = await self._client.request(
                method, path, auth=httpx.BasicAuth(*who), json=json, params=params, headers=headers
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(self.url, str(error) or type(error).__name__) from None
        if response.is_error or response.is_redirect:
            raise _problem(response)
        try:
            return read(response.json() if response.content else None)
        except NOT_UNDERSTOOD:
            raise Unreachable(self.url, "what answers there is no Katydid") from None


def _connection_of(answer: Any) -> Credential:
    return Credential.from_wire(answer["mqtt"] | {"device": answer["device"]})


def _devices_of(answer: Any) -> tuple[DeviceLine, ...]:
    return tuple(map(DeviceLine.from_wire, answer["devices"]))


def _conversations_of(answer: Any) -> tuple[Conversation, ...]:
    return tuple(map(Conversation.from_wire, answer["conversations"]))


def _nothing(answer: Any) -> None:
    return


def _trusting(authority: Path | str) -> ssl.SSLContext:
    """Raises AuthorityNotUsable."""
    try:
        return ssl.create_default_context(cafile=str(authority))
    except OSError as error:  # ssl's own are of this kind
        raise AuthorityNotUsable(str(authority), error.strerror or str(error)) from None


def _problem(response: httpx.Response) -> Problem:
    try:
        content = response.json()
        detail = str(content.get("detail") or content["title"])
        kind = str(content.get("type"))
    except (ValueError, KeyError, AttributeError):
        detail = f"{response.request.url.host} answers {response.status_code}."
        kind = "about:blank"
    seconds = response.headers.get("Retry-After", "")
    return Problem(
        response.status_code,
        detail,
        type=kind,
        retry_after_seconds=float(seconds) if seconds.isdecimal() else 0.0,
    )
