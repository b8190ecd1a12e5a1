"""A private installation to measure: `./katydid up` from a home of its own, and more bridges or
sites beside it. All of it ends with the `with` block."""

import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from sqlmodel import select

from chat.database import Database
from chat.models import Shard
from chat.settings import REPOSITORY, settings_from
from cli.cluster.postgres import PostgresServer, reachable_folder
from cli.web import site_command

_READY_WITHIN_SECONDS = 120.0
_SPAWNED = re.compile(r"spawned: '(\S+)' with pid (\d+)")
_UNLIMITED = {
    "KATYDID_RATE_PER_SECOND": "1000000",
    "KATYDID_RATE_BURST": "1000000",
    "KATYDID_LOGIN_LIMIT": "off",
    "KATYDID_REGISTRATION_LIMIT": "off",
}


class Installation:
    """A running `up`, or a running `cluster up`; `url` is where the site is."""

    def __init__(self, home: Path, environ: Mapping[str, str], *, command: Sequence[str]) -> None:
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
            "PYTHONPATH": str(REPOSITORY),
            **environ,
        }
        self._up = self._start([str(REPOSITORY / "katydid"), *command], "up")
        wait_until(f"{self.url} to be ready", lambda: answers(f"{self.url}/healthz"))

    @cached_property
    def database(self) -> Database:
        """What the installation keeps everything in."""
        return Database(settings_from(self._environ).database_url)

    @property
    def parts(self) -> dict[str, int]:
        """The process of each part, by its name in the supervisor's log, such as `bridge`."""
        [log] = self._home.glob("**/logs/supervisor.log")
        return {name: int(pid) for name, pid in _SPAWNED.findall(log.read_text())}

    @contextmanager
    def bridges(self, number: int) -> Iterator[list[int]]:
        """While so many bridges share the shards evenly; their process ids."""
        more = [
            self._start([sys.executable, "-m", "bridge"], f"bridge-{each}")
            for each in range(2, number + 1)
        ]
        try:
            wait_until(f"{number} bridges to share the shards", lambda: self._shares() == number)
            yield [self.parts["bridge"], *(process.pid for process in more)]
        finally:
            for process in more:
                _end(process)
            wait_until("one bridge to have all shards", lambda: self._shares() == 1)

    @contextmanager
    def site(self, workers: int) -> Iterator[tuple[str, int]]:
        """While another site runs with so many workers; its address and its process id."""
        [port] = free_ports(1)
        settings = replace(settings_from(self._environ), http_port=port)
        process = self._start(site_command(settings, workers=workers), f"web-{workers}")
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(f"{url} to be ready", lambda: answers(f"{url}/healthz"))
            yield url, process.pid
        finally:
            _end(process)

    def close(self) -> None:
        """End all that was started."""
        if "database" in self.__dict__:
            self.database.close()
        _end(self._up)

    def _shares(self) -> int:
        """How many bridges there are, if each has its even share and serves it; else 0."""
        database = Database(settings_from(self._environ).database_url)
        with database.reading() as session:
            counts = Counter(session.exec(select(Shard.worker)))
        database.close()
        even = max(counts.values()) - min(counts.values()) <= 1
        return len(counts) if even and None not in counts else 0

    def _start(self, command: list[str], name: str) -> "subprocess.Popen[bytes]":
        with (self._home / f"{name}.output").open("wb") as output:
            return subprocess.Popen(
                command, cwd=REPOSITORY, env=self._environ, stdout=output, stderr=output
            )


@contextmanager
def postgres() -> Iterator[tuple[str, int]]:
    """A private PostgreSQL server: the URL of its empty database, and its process id."""
    with TemporaryDirectory(prefix="katydid-bench-") as home:
        server = PostgresServer(reachable_folder(Path(home) / "postgres"), *free_ports(1))
        try:
            pid = server.start()
            yield server.url(), pid
        finally:
            server.stop()
            rmtree(server.folder, ignore_errors=True)


@contextmanager
def installation(*command: str, **environ: str) -> Iterator[Installation]:
    """A private installation by `./katydid up`, or by another command, with these settings, in a
    home that goes with it."""
    with TemporaryDirectory(prefix="katydid-bench-") as home:
        running = Installation(Path(home), environ, command=command or ("up",))
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
