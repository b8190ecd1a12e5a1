"""A private installation to measure: `./katydid up` from a home of its own, and more bridges or
sites beside it. All of it ends with the `with` block."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from bench.processes import command_line, tree
from chat.database import Database
from chat.settings import REPOSITORY

_READY_WITHIN_SECONDS = 60.0
_UNLIMITED = {
    "KATYDID_RATE_PER_SECOND": "1000000",
    "KATYDID_RATE_BURST": "1000000",
    "KATYDID_LOGIN_LIMIT": "off",
    "KATYDID_REGISTRATION_LIMIT": "off",
}


class Installation:
    """A running `up`; `url` is where the site is."""

    def __init__(self, home: Path, environ: Mapping[str, str]) -> None:
        http, mqtt, websocket = free_ports(3)
        self.url = f"http://127.0.0.1:{http}"
        self._home = home
        self._environ = {
            **os.environ,
            **_UNLIMITED,
            "KATYDID_HOME": str(home),
            "KATYDID_HTTP_PORT": str(http),
            "KATYDID_MQTT_PORT": str(mqtt),
            "KATYDID_WEBSOCKET_PORT": str(websocket),
            "KATYDID_DATABASE_URL": f"sqlite:///{home}/katydid.db",
            "PYTHONPATH": str(REPOSITORY),
            **environ,
        }
        self.database = Database(self._environ["KATYDID_DATABASE_URL"])
        self._up = self._start([str(REPOSITORY / "katydid"), "up"], "up")
        wait_until(f"{self.url} to be ready", lambda: answers(f"{self.url}/healthz"))

    def pids(self, word: str) -> list[int]:
        """The processes of `up` in whose command line this word stands."""
        found = (pid for pid in tree(self._up.pid) if word in command_line(pid))
        return [pid for pid in found if "cli.supervisor" not in command_line(pid)]

    @contextmanager
    def bridges(self, number: int) -> Iterator[list[int]]:
        """While so many bridges share the shards evenly; their process ids."""
        more = [
            self._start([sys.executable, "-m", "bridge"], f"bridge-{each}")
            for each in range(2, number + 1)
        ]
        try:
            wait_until(f"{number} bridges to share the shards", lambda: self._shares() == number)
            yield [*self.pids("bridge"), *(process.pid for process in more)]
        finally:
            for process in more:
                _end(process)
            wait_until("one bridge to have all shards", lambda: self._shares() == 1)

    @contextmanager
    def site(self, workers: int) -> Iterator[tuple[str, int]]:
        """While another site runs with so many workers; its address and its process id."""
        [port] = free_ports(1)
        words = ["gunicorn", "web:site()", "--preload", f"--bind=127.0.0.1:{port}"]
        kind = ["--worker-class=gthread", "--threads=8", f"--workers={workers}", "--keep-alive=30"]
        log = ["--log-level=warning", "--no-control-socket"]
        process = self._start([sys.executable, "-m", *words, *kind, *log], f"web-{workers}")
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(f"{url} to be ready", lambda: answers(f"{url}/healthz"))
            yield url, process.pid
        finally:
            _end(process)

    def close(self) -> None:
        """End all that was started."""
        self.database.close()
        _end(self._up)

    def _shares(self) -> int:
        """How many bridges there are, if each has its even share and serves it; else 0."""
        counts: dict[str | None, int] = {}
        with self.database.transaction() as connection:
            for (worker,) in connection.exec_driver_sql("SELECT worker FROM shard"):
                counts[worker] = counts.get(worker, 0) + 1
        even = max(counts.values()) - min(counts.values()) <= 1
        return len(counts) if even and None not in counts else 0

    def _start(self, command: list[str], name: str) -> "subprocess.Popen[bytes]":
        with (self._home / f"{name}.output").open("wb") as output:
            return subprocess.Popen(
                command, cwd=REPOSITORY, env=self._environ, stdout=output, stderr=output
            )


@contextmanager
def installation(**environ: str) -> Iterator[Installation]:
    """A private installation with these settings, in a home that goes with it."""
    with TemporaryDirectory(prefix="katydid-bench-") as home:
        running = Installation(Path(home), environ)
        try:
            yield running
        finally:
            running.close()


def wait_until(what: str, is_so: Callable[[], bool]) -> None:
    """Raises TimeoutError, saying what it waited for."""
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {_READY_WITHIN_SECONDS:.0f} s for {what}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether the address answers with 200."""
    try:
        with urlopen(url, timeout=5) as response:  # noqa: S310  of our own, by http
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
