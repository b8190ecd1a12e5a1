"""A private, real installation for a test: its own home, its own ports, the real programs.

Parts are started one by one here; the tests of `./katydid up` start it as a user does.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text

from chat.database import Database
from chat.devices import remove_device
from chat.secrets import Secrets, load_secrets, make_missing_secrets
from chat.settings import REPOSITORY, Settings, settings_from
from chat.shards import unserved_shards
from cli.free_ports import free_ports
from mqtt_acl.issuer import Credentials
from mqtt_acl.mosquitto import DynamicSecurityIssuer
from tests import databases
from tests.people import add_accounts, add_device
from tests.ports import is_listening

Found = TypeVar("Found")

UNLIMITED = {
    "KATYDID_RATE_PER_SECOND": "1000000",
    "KATYDID_RATE_BURST": "1000000",
    "KATYDID_STRANGERS_PER_HOUR": "off",
    "KATYDID_LOGIN_LIMIT": "off",
    "KATYDID_REGISTRATION_LIMIT": "off",
    "KATYDID_DEVICE_LIMIT": "off",
}
PARTS = {
    "broker": [sys.executable, "-m", "cli.broker"],
    "bridge": [sys.executable, "-m", "bridge"],
    "push": [sys.executable, "-m", "push"],
}


def wait_until(what: str, is_so: Callable[[], Found | None], *, seconds: float = 15.0) -> Found:
    """Wait until it is so, and answer what was found; the test fails, saying what it waited for,
    when it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for this: {what}")
        time.sleep(0.02)
    return found


class Installation:
    """A home with secrets and tables, those in SQLite or PostgreSQL as the dialect says; `start`
    and `kill` its parts by their names."""

    def __init__(self, home: Path, *, dialect: str = "sqlite", **environ: str) -> None:
        http, mqtt, websocket = free_ports(3)
        self.environ = UNLIMITED | {
            "KATYDID_HOME": str(home),
            "KATYDID_DATABASE_URL": databases.migrated(dialect, home),
            "KATYDID_HTTP_PORT": str(http),
            "KATYDID_MQTT_PORT": str(mqtt),
            "KATYDID_WEBSOCKET_PORT": str(websocket),
        }
        self.environ |= environ
        self.settings: Settings = settings_from(self.environ)
        make_missing_secrets(self.settings)
        self.secrets: Secrets = load_secrets(self.settings)
        self.database = Database(self.settings.database_url)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    # Accounts and devices, without the site.

    def register(self, *names: str) -> None:
        add_accounts(self.database, *names)

    def new_device(self, account: str, *, kind: str = "thing") -> Credentials:
        """A device of the account, in SQL and, if it runs, at the broker."""
        credentials = add_device(self.database, self.secrets, account, kind=kind)
        if "broker" in self._processes:
            self.issuer.issue(credentials)
        return credentials

    def revoke(self, device: Credentials) -> None:
        """Cut the device off in the order in which the site does (`web/devices.py`)."""
        self.issuer.revoke(device.user_name)
        with self.database.writing() as session:
            remove_device(session, device.user_name.partition(".")[2])
        self.issuer.revoke(device.user_name)

    @cached_property
    def issuer(self) -> DynamicSecurityIssuer:
        return DynamicSecurityIssuer(self.settings, self.secrets)

    # Parts.

    def start(self, *parts: str) -> None:
        """Start parts and wait until each is ready."""
        for part in parts:
            self.begin(part)
            wait_until(
                f"the {part} to be ready", lambda part=part: self._is_ready(part), seconds=30
            )

    def begin(self, part: str) -> None:
        """Start a part and do not wait; `bridge-2` is a second bridge."""
        with (self.settings.home / f"{part}.log").open("ab") as log:
            self._processes[part] = subprocess.Popen(
                self.command(part),
                cwd=REPOSITORY,
                env=self.environ_of(part),
                stdout=log,
                stderr=log,
            )

    def command(self, part: str) -> list[str]:
        return PARTS[part.partition("-")[0]]

    def environ_of(self, part: str) -> dict[str, str]:
        return os.environ | self.environ

    def process(self, part: str) -> subprocess.Popen[bytes]:
        return self._processes[part]

    def kill(self, part: str, number: int = signal.SIGKILL) -> None:
        """End a part at once, or with the signal given, and wait for its end."""
        process = self._processes.pop(part)
        process.send_signal(number)
        process.wait(timeout=15)

    def kill_all(self) -> None:
        """End all parts that still run, at once; others can be started in their place."""
        for part in reversed(list(self._processes)):
            self.kill(part)

    def stop_all(self) -> None:
        """End all parts that still run."""
        if "issuer" in self.__dict__:
            self.issuer.close()
        for part in reversed(list(self._processes)):
            self.kill(part, signal.SIGTERM)
        self.database.close()
        databases.give_back(self.database.url)

    def log(self, part: str) -> str:
        return (self.settings.home / f"{part}.log").read_text()

    def _is_ready(self, part: str) -> bool:
        if self._processes[part].poll() is not None:
            raise AssertionError(f"the {part} ended at once:\n{self.log(part)}")
        return self.is_ready(part)

    def is_ready(self, part: str) -> bool:
        if part == "broker":
            return is_listening(self.settings.mqtt_port)
        if part.startswith("push"):
            return "push begins" in self.log(part)
        with self.database.reading() as session:
            return unserved_shards(session) == []

    # SQL.

    def rows(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        """What SQL answers, of the index of texts as well."""
        with self.database.searching() as session:
            return [tuple(row) for row in session.connection().execute(text(statement), parameters)]
