"""A load for the site: many who read a page of history, over connections that stay open."""

import asyncio
import base64
import time
from urllib.parse import urlsplit

from bench.people import Person


async def read_history(
    url: str, reader: Person, peer: str, *, connections: int, each: int
) -> float:
    """Pages of history read a second, by so many readers at once."""
    started = time.perf_counter()
    await asyncio.gather(*(_read(url, reader, peer, each) for _ in range(connections)))
    return connections * each / (time.perf_counter() - started)


async def _read(url: str, reader: Person, peer: str, pages: int) -> None:
    parts = urlsplit(url)
    source, sink = await asyncio.open_connection(parts.hostname, parts.port)
    credentials = base64.b64encode(f"{reader.user_name}:{reader.password}".encode()).decode()
    request = (
        f"GET /api/v1/conversations/{peer}/messages?limit=50 HTTP/1.1\r\n"
        f"Host: {parts.netloc}\r\nAuthorization: Basic {credentials}\r\n\r\n"
    ).encode()
    for _ in range(pages):
        sink.write(request)
        head = await source.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"the site answered {head.splitlines()[0]!r}")
        [length] = [
            int(line.partition(b":")[2])
            for line in head.splitlines()
            if line.lower().startswith(b"content-length:")
        ]
        await source.readexactly(length)
    sink.close()
    await sink.wait_closed()
