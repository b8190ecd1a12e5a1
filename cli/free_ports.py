"""Ports of the loopback for servers of our own, which stay theirs while they are away for a moment.

They are below those from which the system gives ports to outgoing connections: a part that is
started again would find its port taken by a connection of another.
"""

import random
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

_LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports(count: int) -> list[int]:
    """So many that nobody listens on just now."""
    with ExitStack() as held:
        found: list[int] = []
        for port in candidates():
            if len(found) == count:
                break
            if (probe := bound(port)) is not None:
                held.enter_context(probe)
                found.append(port)
    return found


def candidates() -> Iterator[int]:
    """In an order of its own at each start, since two may choose at the same time."""
    highest = 32_000
    with suppress(OSError, ValueError):
        highest = min(highest, int(_RANGE.read_text().split()[0]))
    below = range(_LOWEST, highest) if highest > _LOWEST + 1000 else range(_LOWEST, 65_000)
    return iter(random.sample(below, len(below)))


def bound(port: int) -> socket.socket | None:
    """A socket that holds the port; None where another does."""
    probe = socket.socket()
    # As the servers do: what an earlier run left in TIME_WAIT is in nobody's way.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError):
        probe.close()
        return None
    return probe
