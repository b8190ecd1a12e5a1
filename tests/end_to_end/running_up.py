"""`./katydid up` as a user runs it, in a home and on ports of its own, and its parts to kill.

The launcher's first lines, which make the virtual environment, are left out: the tests run in it.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from argon2 import PasswordHasher

from chat.database import Database
from chat.devices import devices_with_old_secrets
from chat.models import Account
from chat.secrets import load_secrets
from chat.settings import REPOSITORY, settings_from
from chat.times import now
from tests.asking import is_healthy
from tests.running import UNLIMITED, free_ports, wait_until

# Part → a word of its command line, by which it is found among the processes.
PARTS = {"broker": "mosquitto", "bridge": "bridge", "web": "gunicorn"}


class Up:
    """A running installation. `url` is its site, `settings` are beyond those that every one has."""

    def __init__(self, home: Path, **settings: str) -> None:
        http, mqtt, websocket = free_ports(3)
        self.url = f"http://127.0.0.1:{http}"
        self.mqtt_port = mqtt
        self._output = home / "up.log"
        self.environ = (
            UNLIMITED
            | settings
            | {
                "KATYDID_HOME": str(home),
                "KATYDID_HTTP_PORT": str(http),
                "KATYDID_MQTT_PORT": str(mqtt),
                "KATYDID_WEBSOCKET_PORT": str(websocket),
            }
        )
        self._database = Database(f"sqlite:///{home}/katydid.db")
        self._process = self._started()
        self.wait_until_ready()

    def start_again(self) -> None:
        """After `stop`."""
        self._process = self._started()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_until("Katydid to be ready", self.is_ready, seconds=60)

    def is_ready(self) -> bool:
        assert self._process.poll() is None, self._output.read_text()
        return is_healthy(self.url)

    def add_account(self, name: str, *, password: str) -> None:
        add_account(self._database, name, password=password)

    def left_on_old_key(self) -> list[str]:
        """The accounts of devices whose secrets are from the server key before."""
        keys = load_secrets(settings_from(self.environ)).server_keys
        with self._database.reading() as sql:
            return [account for account, _ in devices_with_old_secrets(sql, keys)]

    def kill(self, part: str) -> None:
        """`kill -9` the part with its workers; whoever started it is to start it again."""
        process = self._pid(part)
        for each in [process, *_children_of(process)]:
            os.kill(each, signal.SIGKILL)

    def stop(self) -> None:
        self._database.close()
        self._process.terminate()
        self._process.wait(timeout=30)

    def _started(self) -> "subprocess.Popen[bytes]":
        with self._output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "cli", "up"],
                cwd=REPOSITORY,
                env=os.environ | self.environ,
                stdout=output,
                stderr=output,
            )

    def _pid(self, part: str) -> int:
        """Of the supervisor's own child: gunicorn has children of the same name."""
        [supervisor] = _children_of(self._process.pid)
        return next(
            child for child in _children_of(supervisor) if PARTS[part] in _command_line(child)
        )


def add_account(database: Database, name: str, *, password: str) -> None:
    """An account, shown as its name without the number."""
    hashed, shown_as = quick_hash(password), name.rstrip("0123456789").title()
    with database.writing() as session:
        session.add(
            Account(name=name, display_name=shown_as, password_hash=hashed, created_at=now())
        )


def quick_hash(password: str) -> str:
    """A hash that costs next to nothing to check, as the real ones do not."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def _children_of(parent: int) -> list[int]:
    return [
        int(status.parent.name)
        for status in Path("/proc").glob("[0-9]*/stat")
        if _parent_in(status) == parent
    ]


def _parent_in(status: Path) -> int | None:
    try:
        return int(status.read_text().rpartition(") ")[2].split()[1])
    except OSError:  # it ended while we looked
        return None


def _command_line(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
