"""Servers that answer as a test wants it: for what a real one would have to be broken."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

import httpx

# Method and path, and the real server's answer: as (status, content type, body).
Answer = tuple[int, str, bytes]
Alter = Callable[[str, str, Answer], Answer]


@contextmanager
def answering(
    port: int,
    body: bytes,
    *,
    status: int = 200,
    ahead_seconds: int = 0,
    certificate: tuple[str, str] | None = None,
) -> Iterator[None]:
    """Somebody who says this to every question, with a clock that is wrong by so much."""

    class Handler(_Quiet):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", formatdate(time() + ahead_seconds, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

    with _serving(port, Handler, certificate):
        yield


@contextmanager
def altering(port: int, url: str, alter: Alter) -> Iterator[str]:
    """The URL of a proxy before that server, which changes its answers on their way."""

    class Handler(_Quiet):
        def _forward(self) -> None:
            size_bytes = int(self.headers.get("Content-Length", 0))
            answer = httpx.request(
                self.command,
                f"{url}{self.path}",
                content=self.rfile.read(size_bytes),
                headers={n: v for n, v in self.headers.items() if n.lower() != "host"},
                timeout=15,
            )
            kind = answer.headers.get("Content-Type", "")
            status, kind, body = alter(
                self.command, self.path, (answer.status_code, kind, answer.content)
            )
            self.send_response_only(status)
            for name in ("WWW-Authenticate",):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815

    with _serving(port, Handler, None):
        yield f"http://127.0.0.1:{port}"


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _serving(
    port: int, handler: type[BaseHTTPRequestHandler], certificate: tuple[str, str] | None
) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
        thread.start()
        yield
        server.shutdown()
        thread.join()
