"""Many accounts that write to each other at once, as a good client does, for tests of faults.

Each keeps what it sent until it comes back with its `seq`, sends it again after a cut, and in the
end fetches what it did not hear: what a person would see on the screen. When each of them heard
something is noted, so that pauses can be told.
"""

import asyncio
import json
import random
import time
from itertools import pairwise
from typing import Any, Protocol

import aiomqtt

from chat.settings import Settings
from chat.topics import down, down_filter, up
from mqtt_acl.issuer import Credentials

_REPEAT_AFTER_SECONDS = 2.0


class Place(Protocol):
    """Where people can talk: an installation, or a cluster."""

    settings: Settings

    def register(self, *names: str) -> None: ...

    def new_device(self, account: str) -> Credentials: ...

    def rows(self, statement: str) -> list[tuple[Any, ...]]: ...


class Talker:
    """One account with one device, which sends `texts` to its peer: so many at one time without
    having heard of the first, and one in so many seconds."""

    def __init__(
        self,
        place: Place,
        account: str,
        peer: str,
        texts: list[str],
        *,
        window: int = 10,
        pace_seconds: float = 0.0,
    ) -> None:
        self.account, self.peer, self.texts = account, peer, texts
        self.shown: dict[int, dict[str, Any]] = {}
        self.heard_at: list[float] = []
        self._settings = place.settings
        self._device = place.new_device(account)
        self._window, self._pace_seconds = window, pace_seconds
        self._unsent = list(enumerate(texts))[::-1]
        self._outbox: dict[str, str] = {}
        self._pages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def enough(self) -> None:
        """Send nothing more than what was begun."""
        del self.texts[len(self.texts) - len(self._unsent) :]
        self._unsent.clear()

    async def talk(self) -> None:
        """Until all texts have come back, whatever happens in between."""
        while self._unsent or self._outbox:
            try:
                async with self._connected() as client:
                    await self._subscribe(client)
                    listening = asyncio.create_task(self._listen(client))
                    try:
                        await self._repeat(client)
                        await self._send(client)
                    finally:
                        listening.cancel()
                        await asyncio.gather(listening, return_exceptions=True)
            except aiomqtt.MqttError:
                await asyncio.sleep(random.uniform(0.1, 0.5))

    async def catch_up(self) -> None:
        """Fetch what was not heard, by the `history` verb."""
        while True:
            try:
                async with self._connected() as client:
                    await self._subscribe(client)
                    listening = asyncio.create_task(self._listen(client))
                    try:
                        return await self._fetch_all(client)
                    finally:
                        listening.cancel()
                        await asyncio.gather(listening, return_exceptions=True)
            except (aiomqtt.MqttError, TimeoutError):
                await asyncio.sleep(random.uniform(0.1, 0.5))

    async def _fetch_all(self, client: aiomqtt.Client) -> None:
        after, more = 0, True
        while more:
            ask = json.dumps({"after": after, "limit": 200})
            await client.publish(up(self.account, self.peer, "history"), ask, qos=1)
            page = await asyncio.wait_for(self._pages.get(), 10)
            self.shown |= {message["seq"]: message for message in page["messages"]}
            after, more = page["messages"][-1]["seq"], page["more"]

    def _connected(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._settings.broker_host,
            self._settings.mqtt_port,
            username=self._device.user_name,
            password=self._device.password,
            identifier=self._device.user_name,
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=4,
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """A broker that cannot ask whether we may refuses, and leaves us connected."""
        codes = await client.subscribe(down_filter(self.account), qos=0)
        if any(getattr(code, "is_failure", False) for code in codes):
            raise aiomqtt.MqttError(f"{self.account} may not subscribe: {codes}")

    async def _send(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._unsent or self._outbox:
            while self._unsent and len(self._outbox) < self._window:
                due = max(due + self._pace_seconds, loop.time() - 1.0)
                await asyncio.sleep(due - loop.time())
                if not self._unsent:  # it has become enough
                    break
                number, text = self._unsent.pop()
                self._outbox[f"{self.account}-{number}"] = text
                await self._publish(client, f"{self.account}-{number}", text)
            before = len(self._outbox)
            for _ in range(int(_REPEAT_AFTER_SECONDS / 0.01)):
                if len(self._outbox) < max(before, 1):
                    break
                await asyncio.sleep(0.01)
            else:
                await self._repeat(client)

    async def _repeat(self, client: aiomqtt.Client) -> None:
        for id, text in list(self._outbox.items()):
            await self._publish(client, id, text)

    async def _publish(self, client: aiomqtt.Client, id: str, text: str) -> None:
        payload = json.dumps({"id": id, "text": text})
        await client.publish(up(self.account, self.peer, "send"), payload, qos=1)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            record = json.loads(message.payload)  # type: ignore[arg-type]
            if message.topic.matches(down(self.account, "message")):
                self.shown[record["seq"]] = record
                self.heard_at.append(time.monotonic())
                if record["from"] == self.account:
                    self._outbox.pop(record["id"], None)
            elif message.topic.matches(down(self.account, "history")):
                self._pages.put_nowait(record)


def pairs_of_talkers(
    place: Place,
    pairs: int,
    each: int,
    *,
    called: str = "talker",
    window: int = 10,
    pace_seconds: float = 0.0,
) -> list[Talker]:
    """Accounts in pairs, of whom each sends `each` texts to the other."""
    names = [f"{called}-{number}" for number in range(2 * pairs)]
    place.register(*names)
    return [
        Talker(
            place,
            name,
            names[number ^ 1],
            [f"{name} {n}" for n in range(each)],
            window=window,
            pace_seconds=pace_seconds,
        )
        for number, name in enumerate(names)
    ]


def longest_pause_seconds(talkers: list[Talker], since: float, until: float) -> float:
    """How long any of them heard nothing between two moments of the monotonic clock."""
    return max(
        later - earlier
        for talker in talkers
        for earlier, later in pairwise(
            [since, *(at for at in talker.heard_at if since < at < until), until]
        )
    )


def assert_nothing_lost_or_doubled(place: Place, talkers: list[Talker]) -> None:
    """In SQL: each text once, `seq` without a gap, each sender's order kept; and everyone's
    screen shows what SQL has."""
    names = {talker.account for talker in talkers}
    rows = [
        row
        for row in place.rows(
            "SELECT account.name, message.conversation_id, message.seq, message.body FROM message"
            " JOIN account ON account.id = message.sender_id"
            " ORDER BY message.conversation_id, message.seq"
        )
        if row[0] in names
    ]
    assert sorted(str(row[3]) for row in rows) == sorted(t for one in talkers for t in one.texts)
    by_conversation: dict[object, list[tuple[object, object]]] = {}
    for _, conversation, seq, body in rows:
        by_conversation.setdefault(conversation, []).append((seq, body))
    for messages in by_conversation.values():
        assert [seq for seq, _ in messages] == list(range(1, len(messages) + 1))
    for talker in talkers:
        assert [body for name, _, _, body in rows if name == talker.account] == talker.texts
        shown = [(seq, record["text"]) for seq, record in sorted(talker.shown.items())]
        assert shown in by_conversation.values(), f"{talker.account} is shown something else"
