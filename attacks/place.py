"""Where attacks take place: a private installation on one of the brokers, with Alice and Bob, who
talk to each other, and Mallory, who has an account like everybody and means no good.

Accounts are made by invitations, as where strangers are not let in; limits on logins are on.
"""

import os
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import httpx
from sqlalchemy import text

from attacks.loot import CANARY, Loot
from attacks.mqtt import Mqtt, publish_packet
from attacks.rabbitmq import running_rabbitmq
from bench.installation import Installation
from bench.people import PASSWORD, Person, add_device
from bench.processes import cpu_seconds, memory_bytes, tree
from chat.errors import KatydidError
from chat.invitations import invite
from chat.secrets import load_secrets
from chat.settings import REPOSITORY, settings_from
from chat.times import now
from cli.cluster.debian_root import cache_folder
from cli.cluster.newer_mosquitto import bring_newer_mosquitto

MOSQUITTO, NEWER_MOSQUITTO, RABBITMQ = "mosquitto", "mosquitto-2.1", "rabbitmq"
BROKERS = (MOSQUITTO, NEWER_MOSQUITTO, RABBITMQ)
ALICE, BOB, MALLORY = "alice", "bob", "mallory"
# The defaults, which `bench` turns off.
DEVICES_PER_HOUR, STRANGERS_PER_HOUR = 60, 100
# Words that a program says when it did not know what to do with something. (RabbitMQ ends the
# connections of those who go against the standard by a crash of their own process, and says that
# at length.)
_CRASHES = ("Traceback", "panicked", "Segmentation fault", "SIGSEGV")
_ANSWER_WITHIN_SECONDS = 20.0
_TAKEN_WITHIN_SECONDS = 60.0
# Made once; httpx would read all authorities of the system for each client.
_NO_TLS = ssl.create_default_context()


T = TypeVar("T")


class NotWell(KatydidError):
    """The installation is not what it was before an attack."""


class Place:
    """A running installation; made by `place`."""

    def __init__(self, broker: str, installation: Installation) -> None:
        self.broker = broker
        self.installation = installation
        self.url = installation.url
        self.http_port = int(installation.environ["KATYDID_HTTP_PORT"])
        self.mqtt_port = int(installation.environ["KATYDID_MQTT_PORT"])
        self.websocket_port = int(installation.environ["KATYDID_WEBSOCKET_PORT"])
        self.settings = settings_from(installation.environ)
        self.secrets = load_secrets(self.settings)
        self.home = installation.home
        self.loot = Loot([self.secrets.admin_password, self.secrets.bridge_password])
        self._names = iter(range(1, 1_000_000))
        for name in (ALICE, BOB, MALLORY):
            self.register(name)
        self.alice, self.bob = self.new_device(ALICE), self.new_device(BOB)
        self.mallory = self.new_device(MALLORY)
        self._alice = Mqtt(self.mqtt_port).open(self.alice)
        self._bob = Mqtt(self.mqtt_port).open(self.bob)
        self._bob.subscribe(self.bob.receive_filter)
        self._alice.subscribe(self.alice.receive_filter)
        self._last_processes: Mapping[str, list[int]] = {}
        self._crashes = 0
        self.tell_bob(CANARY)
        self.check_well()

    # Accounts and devices.

    def invitation(self) -> str:
        """A new one, as from the command line."""
        with self.installation.database.writing() as session:
            token, _ = invite(session, None, now())
        return token

    def register(self, account: str) -> str:
        """A new account, by an invitation; its name. Raises httpx.HTTPStatusError."""
        body = {"account": account, "password": PASSWORD, "invitation": self.invitation()}
        url = f"{self.url}/api/v1/accounts"
        _patiently(lambda: httpx.post(url, json=body, timeout=30).raise_for_status())
        return account

    def newcomer(self) -> str:
        """The name of an account that was made just now."""
        return self.register(f"{MALLORY}-{next(self._names)}")

    def new_device(self, account: str) -> Person:
        """By the account's password. Raises httpx.HTTPStatusError."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            return _patiently(lambda: add_device(client, account))

    # What attackers do, and what they are given.

    def mqtt(self, *, websocket: bool = False, version: int = 5) -> Mqtt:
        """An attacker's connection to the broker, on which nothing was said yet."""
        port = self.websocket_port if websocket else self.mqtt_port
        return Mqtt(port, websocket=websocket, version=version, heard=self.loot.add)

    def http(self, person: Person | None = None) -> httpx.Client:
        """An attacker's HTTP client; that of a person sends its device's secret."""

        def note(response: httpx.Response) -> None:
            self.loot.add(response.read())

        auth = (person.user_name, person.password) if person else None
        hooks = {"response": [note]}
        return httpx.Client(
            base_url=self.url, timeout=30, auth=auth, event_hooks=hooks, verify=_NO_TLS
        )

    # How the pair fares.

    def tell_bob(self, words: str) -> None:
        """Alice writes, and Bob hears it. Raises NotWell."""
        topic = self.alice.send_topic.replace("{to}", BOB).encode()
        self._alice.send(publish_packet(topic, words.encode(), packet_id=1))
        for name, each in ((BOB, self._bob), (ALICE, self._alice)):
            if not each.hears(words.encode(), seconds=_ANSWER_WITHIN_SECONDS):
                raise NotWell(f"what Alice wrote did not reach {name}.")

    def alice_heard(self, what: bytes) -> bool:
        """Whether that has come to Alice; what was sent before the last words to Bob has."""
        return self._alice.hears(what, seconds=0)

    def change(self, statement: str, **parameters: object) -> None:
        """Behind everybody's back."""
        with self.installation.database.writing() as session:
            session.connection().execute(text(statement), parameters)

    def forget_attempts(self) -> None:
        """What one attack has used up of a limit is there again for the next."""
        self.change("DELETE FROM rate_limit")

    def archived(self, body: str) -> int:
        """How often that text is in the archive."""
        return self.count("SELECT count(*) FROM message WHERE body = :body", body=body)

    def count(self, statement: str, **parameters: object) -> int:
        """The one number that SQL answers."""
        with self.installation.database.reading() as session:
            found = session.connection().execute(text(statement), parameters).scalar_one()
        return int(found)

    def check_well(self) -> None:
        """The pair's next words arrive, no program has died or said that it did not know what to
        do, and nobody was given what is not theirs. Raises NotWell, the next time for news alone.
        """
        self.tell_bob(f"{CANARY}, {secrets.token_hex(8)}")
        before, self._last_processes = self._last_processes, self.processes()
        if before and before != self._last_processes:
            parts = [name for name, pids in before.items() if self._last_processes[name] != pids]
            raise NotWell(f"another process runs as {', '.join(parts)}.")
        known, self._crashes = self._crashes, self._count_crashes()
        if self._crashes > known:
            raise NotWell("a log has a traceback.")
        if self.loot.found:
            found, self.loot.found = self.loot.found, []
            raise NotWell(f"an attacker was given {found[0]!r}.")

    def processes(self) -> Mapping[str, list[int]]:
        """By part, its process and all that it started."""
        parts = self.installation.parts
        return {name: sorted(tree(pid)) for name, pid in sorted(parts.items())}

    def memory_bytes(self) -> Mapping[str, int]:
        """By part."""
        return {name: memory_bytes(pid) for name, pid in self.installation.parts.items()}

    def cpu_seconds(self) -> Mapping[str, float]:
        """By part, what it has used until now."""
        return {name: cpu_seconds(pid) for name, pid in self.installation.parts.items()}

    def logs(self) -> Iterator[str]:
        """What each program has said."""
        for file in [*self.home.glob("logs/*"), *self.home.glob("*.output")]:
            yield file.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        self._alice.close()
        self._bob.close()

    def _count_crashes(self) -> int:
        return sum(log.count(word) for log in self.logs() for word in _CRASHES)


@contextmanager
def place(broker: str, **environ: str) -> Iterator[Place]:
    """A private installation on that broker, with those settings; all of it ends with the block."""
    with ExitStack() as ended:
        # RabbitMQ's own helpers may still tidy up there.
        temporary = TemporaryDirectory(prefix="katydid-attack-", ignore_cleanup_errors=True)
        folder = Path(ended.enter_context(temporary))
        home = folder / "home"
        home.mkdir(mode=0o700)
        settings = {
            "KATYDID_REGISTRATION": "invite",
            "KATYDID_LOGIN_LIMIT": "10 per minute",
            "KATYDID_REGISTRATION_LIMIT": "1000 per minute",
            "KATYDID_DEVICE_LIMIT": f"{DEVICES_PER_HOUR} per hour",
            "KATYDID_STRANGERS_PER_HOUR": str(STRANGERS_PER_HOUR),
            **environ,
        }
        if broker == NEWER_MOSQUITTO:
            programs = folder / "programs"
            bring_newer_mosquitto(cache_folder(), programs)
            settings["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"
        if broker == RABBITMQ:
            settings |= ended.enter_context(running_rabbitmq(home))
        up = [str(REPOSITORY / "katydid"), "up"]
        installation = Installation(home, settings, command=up)
        ended.callback(installation.close)
        installation.start()
        installation.wait_until_ready()
        where = Place(broker, installation)
        ended.callback(where.close)
        yield where


def _patiently(ask: Callable[[], T]) -> T:
    """A site that is busy with passwords sends away who would wait for long (503)."""
    deadline = time.monotonic() + _TAKEN_WITHIN_SECONDS
    while True:
        try:
            return ask()
        except httpx.HTTPStatusError as refusal:
            if refusal.response.status_code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(1)


def becomes_so(is_so: Callable[[], bool], *, seconds: float = 10.0) -> bool:
    """Whether it became so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
