"""HTTP as an attacker speaks it: bytes that no good client would send, and what comes back."""

import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3})", re.MULTILINE)
_READ_BYTES = 1 << 18


@dataclass(frozen=True)
class Answers:
    """All that came until the end of the connection, or until nothing more came; `statuses` are
    those of each answer in it."""

    raw: bytes

    @property
    def statuses(self) -> list[int]:
        return [int(each) for each in _STATUS.findall(self.raw)]

    @property
    def status(self) -> int | None:
        """Of the first answer; None where there was none."""
        return self.statuses[0] if self.statuses else None

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the first answer, by their names in small letters."""
        head = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1")
        lines = [line.partition(":") for line in head.split("\r\n")[1:]]
        return {name.lower(): value.strip() for name, _, value in lines}

    def __str__(self) -> str:
        return ", ".join(map(str, self.statuses)) or "cut off"


def exchange(port: int, data: bytes, *, seconds: float = 10.0, is_all: bool = False) -> Answers:
    """Send that, as far as it is taken. With `is_all`, the other side hears that nothing more
    comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        with suppress(OSError):  # who answers before the end may cut us off
            connection.sendall(data)
            if is_all:
                connection.shutdown(socket.SHUT_WR)
        return Answers(_until_the_end(connection, time.monotonic() + seconds))


def request(
    method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    """A request after which the connection ends; the path as it stands."""
    lines = {"Host": "localhost", "Connection": "close", **(headers or {})}
    if body:
        lines.setdefault("Content-Length", str(len(body)))
    head = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items())]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def _until_the_end(connection: socket.socket, deadline: float) -> bytes:
    found = b""
    with suppress(OSError):
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            more = connection.recv(_READ_BYTES)
            if not more:
                break
            found += more
    return found
