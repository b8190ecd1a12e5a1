"""Whether ports of this machine are listened on, and how to be in the way of one."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager


def is_listening(port: int, *, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=0.5).close()
    except OSError:
        return False
    return True


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody else listens on the port meanwhile."""
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield
