"""A bare mosquitto, the limit of what a broker alone does on this machine: no accounts, nothing
kept on the disk, no bridge. Its people come in pairs that both hear what is written in the pair, so
each message is delivered to two, as Katydid delivers it.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.installation import listens, wait_until
from bench.people import Person
from cli.free_ports import free_ports
from cli.mosquitto import mosquitto_program
from cli.tied import tie_to_parent

# What is not of the measurement's kind is as in our own mosquitto.conf.
_CONFIGURATION = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 1000
max_queued_messages 1000000
connection_messages false
log_type error
user root
"""


class Bare:
    """A running one; `pid` is its process."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def pairs(self, number: int) -> list[tuple[Person, Person]]:
        return [(self.person(place, "a"), self.person(place, "b")) for place in range(number)]

    def person(self, pair: int, name: str) -> Person:
        """One of a pair, who needs no credential."""
        return Person(
            account=f"bare-{pair}-{name}",
            host="127.0.0.1",
            port=self.port,
            user_name=f"bare-{pair}-{name}",
            password="",
            send_topic=f"bare/{pair}",
            receive_filter=f"bare/{pair}",
        )


@contextmanager
def bare_mosquitto() -> Iterator[Bare]:
    """One of its own. Raises BrokerNotReady."""
    [port] = free_ports(1)
    with TemporaryDirectory(prefix="katydid-bench-") as folder:
        config = Path(folder) / "mosquitto.conf"
        config.write_text(_CONFIGURATION.format(port=port), encoding="ascii")
        process = subprocess.Popen(
            [mosquitto_program(), "-c", str(config)],
            stderr=subprocess.DEVNULL,
            preexec_fn=tie_to_parent,
            start_new_session=True,
        )
        try:
            wait_until("the bare mosquitto to listen", lambda: listens(port))
            yield Bare(port, process.pid)
        finally:
            process.terminate()
            process.wait()
