"""A load for the site: those who read pages of history, over connections that stay open."""

import asyncio
import base64
import socket
import time
from urllib.parse import urlsplit

from bench.people import Person

_ANSWER_WITHIN_SECONDS = 30.0
_READ_BYTES = 1 << 18
_HEAD_ENDS = b"\r\n\r\n"


async def read_history(
    url: str, reader: Person, peer: str, *, connections: int, each: int
) -> float:
    """Pages of history read a second, by so many readers at once."""
    path = f"/api/v1/conversations/{peer}/messages?limit=50"
    started = time.perf_counter()
    await asyncio.gather(*(_read(url, reader, path, each) for _ in range(connections)))
    return connections * each / (time.perf_counter() - started)


def seconds_a_page(url: str, reader: Person, path: str, number: int) -> list[float]:
    """The same page so often, one after the other over one connection: how long each took."""
    parts, request = urlsplit(url), _request(url, reader, path)
    took = []
    with socket.create_connection(
        (parts.hostname, parts.port), timeout=_ANSWER_WITHIN_SECONDS
    ) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(number):
            began = time.perf_counter()
            connection.sendall(request)
            _take_answer(connection)
            took.append(time.perf_counter() - began)
    return took


async def _read(url: str, reader: Person, path: str, pages: int) -> None:
    parts, request = urlsplit(url), _request(url, reader, path)
    source, sink = await asyncio.open_connection(parts.hostname, parts.port)
    for _ in range(pages):
        sink.write(request)
        head = await source.readuntil(_HEAD_ENDS)
        await source.readexactly(_length_of_body(head))
    sink.close()
    await sink.wait_closed()


def _request(url: str, reader: Person, path: str) -> bytes:
    credentials = base64.b64encode(f"{reader.user_name}:{reader.password}".encode()).decode()
    host = urlsplit(url).netloc
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {credentials}\r\n\r\n"
    ).encode()


def _take_answer(connection: socket.socket) -> None:
    answer = connection.recv(_READ_BYTES)
    while _HEAD_ENDS not in answer:
        answer += _more(connection)
    head, _, body = answer.partition(_HEAD_ENDS)
    left = _length_of_body(head) - len(body)
    while left > 0:
        left -= len(_more(connection))


def _more(connection: socket.socket) -> bytes:
    more = connection.recv(_READ_BYTES)
    if not more:
        raise ConnectionResetError("the site ended the connection")
    return more


def _length_of_body(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ConnectionError(f"the site answered {head.splitlines()[:1]!r}")
    [length] = [
        int(line.partition(b":")[2])
        for line in head.splitlines()
        if line.lower().startswith(b"content-length:")
    ]
    return length
