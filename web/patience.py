"""How long the site waits for a request: gunicorn's threads, which get it when it has come whole.

gunicorn 27 gives each connection a thread as soon as its first byte is there, and that waits for
the rest for ever: sixteen who send a byte a minute would be all that the site is there for. Here,
what has come stays in the kernel, where it is looked at without a thread.
"""

import re
import socket
import time
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import TConn, ThreadWorker

# As HAProxy has it (deploy/haproxy.cfg): all of a request, or its first 16 kB, within 10 s.
_WITHIN_SECONDS = 10.0
_ENOUGH_BYTES = 16 * 1024
# As many connections have room for those who ask like everybody, whoever waits.
_ROOM = 500

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*\r\n", re.IGNORECASE)
_IN_CHUNKS = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """One process of the site, or of the door."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Until when each is waited for, in the order in which that ends; how much of it was there.
        self._waiting: dict[TConn, float] = {}
        self._sizes: dict[TConn, int] = {}
        self._served: dict[TConn, float] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """gunicorn's own, for a connection that something should have come from."""
        so_far = _peek(conn.sock)
        if so_far is None or has_come(so_far):
            super().enqueue_req(conn)
            return
        if len(self._waiting) >= self.worker_connections - _ROOM:
            self._give_up(next(iter(self._waiting)))
        self._waiting[conn] = time.monotonic() + _WITHIN_SECONDS
        conn.sock.setblocking(False)
        self._wait_for_more_than(so_far, conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._look_again, conn))

    def murder_pending(self) -> None:
        """gunicorn's own, for those whose time is over."""
        super().murder_pending()
        now = time.monotonic()
        for conn in [each for each, until in self._waiting.items() if until <= now]:
            self._give_up(conn)
        for conn, until in list(self._served.items()):
            if until <= now:
                # The thread that waits for its body hears of an end; an answer still goes out.
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)

    def handle(self, conn: TConn) -> Any:
        """gunicorn's own, in a thread."""
        self._served[conn] = time.monotonic() + _WITHIN_SECONDS
        try:
            return super().handle(conn)
        finally:
            del self._served[conn]

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """gunicorn's own. It writes what it could not read into the log, which could be a password
        in a header that lacks its colon, or the word of a link; here, what kind of mistake it was.
        """
        if isinstance(exc, ParseException):
            told = [name for name, value in vars(exc).items() if isinstance(value, str | bytes)]
            vars(exc).update(dict.fromkeys(told, "..."))
        super().handle_error(req, client, addr, exc)

    def _look_again(self, conn: TConn, _socket: socket.socket) -> None:
        so_far = _peek(conn.sock)
        if so_far is None or len(so_far) <= self._sizes[conn]:
            self._give_up(conn)  # what was announced is its end
        elif has_come(so_far):
            del self._waiting[conn], self._sizes[conn]
            self.poller.unregister(conn.sock)
            _announce_more_than(0, conn.sock)
            super().enqueue_req(conn)
        else:
            self._wait_for_more_than(so_far, conn)

    def _wait_for_more_than(self, so_far: bytes, conn: TConn) -> None:
        self._sizes[conn] = len(so_far)
        _announce_more_than(len(so_far), conn.sock)

    def _give_up(self, conn: TConn) -> None:
        del self._waiting[conn], self._sizes[conn]
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def has_come(data: bytes) -> bool:
    """Whether a thread need not wait for the rest of the request that these bytes begin."""
    if len(data) >= _ENOUGH_BYTES:
        return True
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    head += b"\r\n"
    if _IN_CHUNKS.search(head):
        return b"0\r\n\r\n" in body
    length = _LENGTH.search(head)
    return length is None or len(body) >= int(length[1])


def _announce_more_than(size: int, connection: socket.socket) -> None:
    """What was only looked at is still there, and would be announced for ever. (Linux counts it;
    what came meanwhile is announced.)"""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size + 1)


def _peek(connection: socket.socket) -> bytes | None:
    """What has come so far and is not read yet; None when nothing more will."""
    try:
        return connection.recv(_ENOUGH_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
