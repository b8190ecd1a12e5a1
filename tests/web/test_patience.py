"""Those who send a request slowly, or never to its end, keep nobody else waiting."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.running import Installation, wait_until
from tests.web.served import ServedSite
from web.patience import has_come

HEAD = b"POST /login HTTP/1.1\r\nHost: localhost\r\n"
# More than the site has threads.
MANY = 40


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    installation = Installation(tmp_path_factory.mktemp("patience"))
    site = ServedSite(installation)
    yield site
    site.stop()
    installation.stop_all()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /login HTTP/1.1\r\nX-Slow: ",
        HEAD + b"Content-Length: 100\r\n\r\nhalf",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
def test_who_has_asked_is_answered_while_many_have_only_begun(
    site: ServedSite, begun: bytes
) -> None:
    with ExitStack() as ended:
        for _ in range(MANY):
            ended.enter_context(begin(site, begun))

        assert httpx.get(f"{site.url}/login", timeout=8).status_code == 200


def test_who_never_comes_to_an_end_is_cut_off(site: ServedSite) -> None:
    with begin(site, b"GET /login HTTP/1.1\r\n") as slow:
        slow.settimeout(30)

        with suppress(ConnectionResetError):  # what it sent was not even read
            assert slow.recv(100) == b""


def test_a_request_that_comes_byte_by_byte_is_answered(site: ServedSite) -> None:
    with begin(site, b"") as slow:
        for byte in b"GET /login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
            slow.sendall(bytes([byte]))
        slow.settimeout(30)

        assert slow.recv(100).startswith(b"HTTP/1.1 200")


def test_who_goes_before_the_end_leaves_no_connection_behind(site: ServedSite) -> None:
    for _ in range(MANY):
        begin(site, b"GET /lo").close()

    wait_until("all connections to be closed", lambda: not open_at(site), seconds=5)


@pytest.mark.parametrize(
    ("data", "is_whole"),
    [
        (b"", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (HEAD + b"Content-Length: 4\r\n\r\nbod", False),
        (HEAD + b"Content-Length: 4\r\n\r\nbody", True),
        (HEAD + b"content-length:4\r\n\r\nbody", True),
        (HEAD + b"Content-Length: 99999\r\n\r\n" + b"x" * 20_000, True),
        (HEAD + b"Content-Length: nonsense\r\n\r\n", True),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", True),
        (b"x" * 20_000, True),
    ],
)
def test_what_has_come_whole(data: bytes, is_whole: bool) -> None:
    assert has_come(data) is is_whole


def begin(site: ServedSite, data: bytes) -> socket.socket:
    """A connection on which that was sent."""
    port = site.installation.settings.http_port
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(data)
    return connection


def open_at(site: ServedSite) -> list[str]:
    """The connections that the site has, as the kernel lists them (established, or half closed)."""
    port = f":{site.installation.settings.http_port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ours = [line.split() for line in lines if line.split()[1].endswith(port)]
    return [fields[3] for fields in ours if fields[3] in ("01", "08")]
