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

from bench.processes import tree
from chat.database import Database
from chat.errors import KatydidError
from chat.models import Shard
from chat.settings import REPOSITORY, settings_from
from cli.cluster.postgres import PostgresServer, reachable_folder
from cli.free_ports import free_ports
from cli.supervision import python
from cli.web import site_command

_READY_WITHIN_SECONDS = 120.0
_SPAWNED = re.compile(r"spawned: '(\S+)' with pid (\d+)")
_UNLIMITED = {
    "KATYDID_RATE_PER_SECOND": "1000000",
    "KATYDID_RATE_BURST": "1000000",
    "KATYDID_STRANGERS_PER_HOUR": "off",
    "KATYDID_LOGIN_LIMIT": "off",
    "KATYDID_REGISTRATION_LIMIT": "off",
    "KATYDID_DEVICE_LIMIT": "off",
}


class EndedEarly(KatydidError):
    """What was to be measured did not start."""


class Installation:
    """A running `up`, or a running `cluster up`; `url` is where the site is."""

    def __init__(self, home: Path, environ: Mapping[str, str], *, command: Sequence[str]) -> None:
        """`command` is in words, with the program; nothing is started yet."""
        http, mqtt, websocket = free_ports(3)
        self.home = home
        self.environ = {
            **os.environ,
            **_UNLIMITED,
            "KATYDID_HOME": str(home),
            "KATYDID_HTTP_PORT": str(http),
            "KATYDID_MQTT_PORT": str(mqtt),
            "KATYDID_WEBSOCKET_PORT": str(websocket),
            "PYTHONPATH": str(REPOSITORY),
            **environ,
        }
        self.url = f"http://127.0.0.1:{self.environ['KATYDID_HTTP_PORT']}"
        self._command = command
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin, and do not wait."""
        self._up = self._start(self._command, "up")

    def wait_until_ready(self) -> None:
        """Returns as soon as the site says that all is well."""
        wait_until(f"{self.url} to be ready", self._is_ready)

    def wait_until_open(self) -> None:
        """Returns as soon as the broker lets clients in, and the site answers at all."""
        port = int(self.environ["KATYDID_MQTT_PORT"])
        wait_until(f"port {port} to be open", lambda: self._goes_on() and listens(port))
        wait_until(
            f"{self.url} to answer", lambda: self._goes_on() and answers(f"{self.url}/login")
        )

    @cached_property
    def database(self) -> Database:
        """What the installation keeps everything in."""
        return Database(settings_from(self.environ).database_url)

    @property
    def parts(self) -> dict[str, int]:
        """The process of each part that runs, by its name in the supervisor's log, such as
        `bridge`."""
        assert self._up is not None
        [log] = self.home.glob("**/logs/supervisor.log")
        # On a full disk the log lacks lines, and an old number may be another program's by now.
        ours = set(tree(self._up.pid))
        spawned = {name: int(pid) for name, pid in _SPAWNED.findall(log.read_text())}
        return {name: pid for name, pid in spawned.items() if pid in ours}

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
    def own_bridge(self) -> Iterator[int]:
        """While a bridge runs, where the installation has none; its process id."""
        process = self._start(python("bridge"), "own-bridge")
        try:
            yield process.pid
        finally:
            _end(process)

    @contextmanager
    def site(self, workers: int) -> Iterator[tuple[str, int]]:
        """While another site runs with so many workers; its address and its process id."""
        [port] = free_ports(1)
        settings = replace(settings_from(self.environ), http_port=port)
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
        if self._up is not None:
            _end(self._up)

    def _is_ready(self) -> bool:
        return self._goes_on() and answers(f"{self.url}/healthz")

    def _goes_on(self) -> bool:
        """True; raises EndedEarly when it does not."""
        if self._up is not None and self._up.poll() is not None:
            said = (self.home / "up.output").read_text().strip().splitlines()
            raise EndedEarly(said[-1] if said else "it did not say why.")
        return True

    def _shares(self) -> int:
        """How many bridges there are, if each has its even share and serves it; else 0."""
        database = Database(settings_from(self.environ).database_url)
        with database.reading() as session:
            counts = Counter(session.exec(select(Shard.worker)))
        database.close()
        even = max(counts.values()) - min(counts.values()) <= 1
        return len(counts) if even and None not in counts else 0

    def _start(self, command: Sequence[str], name: str) -> "subprocess.Popen[bytes]":
        with (self.home / f"{name}.output").open("wb") as output:
            return subprocess.Popen(
                python("cli.tied", *command),  # it ends with us, however we end
                cwd=REPOSITORY,
                env=self.environ,
                stdout=output,
                stderr=output,
                # Ctrl-C is for who measures, who ends all in good order.
                start_new_session=True,
            )


@contextmanager
def postgres(*, like: Path | None = None) -> Iterator[tuple[str, int]]:
    """A private PostgreSQL server: the URL of its database, and its process id. The database is
    empty, or as in the folder of another server, which does not run."""
    with TemporaryDirectory(prefix="katydid-bench-") as home:
        server = PostgresServer(reachable_folder(Path(home) / "postgres"), *free_ports(1))
        try:
            if like is not None:
                copy(like, server.folder)
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
        words = [str(REPOSITORY / "katydid"), *(command or ("up",))]
        running = Installation(Path(home), environ, command=words)
        try:
            running.start()
            running.wait_until_ready()
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


def copy(what: Path, to: Path) -> None:
    """A file or a folder, with whom it belongs to."""
    subprocess.run(["cp", "--archive", "--reflink=auto", what, to], check=True)


def listens(port: int) -> bool:
    """Whether something does, at that port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Whether the address answers with 200."""
    try:
        with urlopen(url, timeout=5) as response:  # noqa: S310  of our own, by http
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
