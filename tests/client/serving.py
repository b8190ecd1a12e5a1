"""A whole installation for the client's tests: broker, bridge and site, with a network in between
that can be cut, and programs that talk through it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path
from typing import Any

from cli.free_ports import free_ports
from client import Katydid, Message, Timing
from tests.client.network import Network
from tests.end_to_end.running_up import add_account
from tests.running import Installation
from tests.web.served import ServedSite
from tests.web.visitor import PASSWORD

# As the client's own, but shorter, so that a fault is over when the test is.
QUICK = Timing(
    keepalive_seconds=2,
    broker_seconds=1.0,
    site_seconds=5.0,
    answer_seconds=0.5,
    longest_answer_seconds=1.0,
    slow_down_seconds=0.3,
    first_pause_seconds=0.1,
    longest_pause_seconds=0.3,
    gap_seconds=0.1,
)
_numbers = count(1)


class Serving:
    """Accounts are made for one test each, so that tests can share it."""

    def __init__(
        self, home: Path, make: Callable[..., Installation] = Installation, **environ: str
    ) -> None:
        self.home = home
        [port] = free_ports(1)
        environ |= {"KATYDID_PUBLIC_MQTT": f"127.0.0.1:{port}"}
        self.installation = make(home, **environ)
        self.installation.start("broker", "bridge")
        self.site = ServedSite(self.installation)
        self.network = Network(self.installation.settings.mqtt_port, port=port)
        self.way_to_site = Network(self.installation.settings.http_port)
        self.url = f"http://127.0.0.1:{self.way_to_site.port}"

    def new_account(self, name: str) -> str:
        account = f"{name}-{os.getpid()}-{next(_numbers)}"
        add_account(self.installation.database, account, password=PASSWORD)
        return account

    def folder(self, account: str, program: str = "a") -> Path:
        return self.home / f"{account}-{program}"

    def chat(self, account: str, *, program: str = "a", **settings: Any) -> Katydid:
        """A program of the account; the same one has the same folder."""
        given = {
            "password": PASSWORD,
            "folder": self.folder(account, program),
            "timing": QUICK,
        } | settings
        return Katydid(self.url, account, **given)

    def archived(self, sender: str, *, kind: str = "text") -> list[str]:
        """What is in SQL, in the order of its conversations."""
        rows = self.installation.rows(
            "SELECT message.body FROM message JOIN account ON account.id = message.sender_id"
            " WHERE account.name = :sender AND message.kind = :kind"
            " ORDER BY message.conversation_id, message.seq",
            sender=sender,
            kind=kind,
        )
        return [str(body) for (body,) in rows]

    def stop(self) -> None:
        self.network.stop()
        self.way_to_site.stop()
        self.site.stop()
        self.installation.stop_all()


async def until(what: str, is_so: Callable[[], object], *, seconds: float = 15.0) -> None:
    """As `tests.running.wait_until`, while the program goes on."""
    try:
        async with asyncio.timeout(seconds):
            while not is_so():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:.0f} s for this: {what}") from None


async def next_texts(messages: AsyncIterator[Message], count: int) -> list[str]:
    """The next texts that come; nothing more is asked for."""
    texts = []
    async with asyncio.timeout(30):
        async for message in messages:
            texts.append(message.text)
            if len(texts) == count:
                break
    return texts


async def next_event(events: AsyncIterator[Any], kind: type[Any], /, **facts: Any) -> Any:
    """The first of this kind with these facts."""
    try:
        async with asyncio.timeout(15):
            async for event in events:
                if isinstance(event, kind) and facts.items() <= _facts_of(event).items():
                    return event
    except TimeoutError:
        raise AssertionError(f"waited 15 s for {kind.__name__} with {facts}") from None
    raise AssertionError("the events ended")


def _facts_of(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
