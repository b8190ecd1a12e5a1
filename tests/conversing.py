"""Many accounts that write to each other at once, as a good client does, for tests of faults.

Each keeps what it sent until it comes back with its `seq`, sends it again after a cut, and in the
end fetches what it did not hear: what a person would see on the screen.
"""

import asyncio
import json
import random
from typing import Any

import aiomqtt

from chat.topics import down, down_filter, up
from mqtt_acl.issuer import Credentials
from tests.running import Installation

_REPEAT_AFTER_SECONDS = 2.0


class Talker:
    """One account with one device, which sends `texts` to its peer, ten at a time."""

    def __init__(
        self, installation: Installation, account: str, peer: str, texts: list[str]
    ) -> None:
        self.account, self.peer, self.texts = account, peer, texts
        self.shown: dict[int, dict[str, Any]] = {}
        self._settings = installation.settings
        self._device: Credentials = installation.new_device(account)
        self._outbox: dict[str, str] = {}
        self._pages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def talk(self) -> None:
        """Until all texts have come back, whatever happens in between."""
        unsent = list(enumerate(self.texts))[::-1]
        while unsent or self._outbox:
            try:
                async with self._connected() as client:
                    listening = asyncio.create_task(self._listen(client))
                    try:
                        await self._repeat(client)
                        await self._send(client, unsent)
                    finally:
                        listening.cancel()
            except aiomqtt.MqttError:
                await asyncio.sleep(random.uniform(0.1, 0.5))

    async def catch_up(self) -> None:
        """Fetch what was not heard, by the `history` verb."""
        async with self._connected() as client:
            listening = asyncio.create_task(self._listen(client))
            after, more = 0, True
            while more:
                ask = json.dumps({"after": after, "limit": 200})
                await client.publish(up(self.account, self.peer, "history"), ask, qos=1)
                page = await asyncio.wait_for(self._pages.get(), 15)
                self.shown |= {message["seq"]: message for message in page["messages"]}
                after, more = page["messages"][-1]["seq"], page["more"]
            listening.cancel()

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

    async def _send(self, client: aiomqtt.Client, unsent: list[tuple[int, str]]) -> None:
        while unsent or self._outbox:
            while unsent and len(self._outbox) < 10:
                number, text = unsent.pop()
                self._outbox[f"{self.account}-{number}"] = text
                await self._publish(client, f"{self.account}-{number}", text)
            before = len(self._outbox)
            for _ in range(int(_REPEAT_AFTER_SECONDS / 0.01)):
                if len(self._outbox) < before:
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
        await client.subscribe(down_filter(self.account), qos=1)
        async for message in client.messages:
            record = json.loads(message.payload)  # type: ignore[arg-type]
            if message.topic.matches(down(self.account, "message")):
                self.shown[record["seq"]] = record
                if record["from"] == self.account:
                    self._outbox.pop(record["id"], None)
            elif message.topic.matches(down(self.account, "history")):
                self._pages.put_nowait(record)


def pairs_of_talkers(installation: Installation, pairs: int, each: int) -> list[Talker]:
    """Accounts in pairs, of whom each sends `each` texts to the other."""
    names = [f"talker-{number}" for number in range(2 * pairs)]
    installation.register(*names)
    return [
        Talker(installation, name, names[number ^ 1], [f"{name} {n}" for n in range(each)])
        for number, name in enumerate(names)
    ]


def assert_nothing_lost_or_doubled(installation: Installation, talkers: list[Talker]) -> None:
    """In SQL: each text once, `seq` without a gap, each sender's order kept; and everyone's
    screen shows what SQL has."""
    rows = installation.rows(
        "SELECT account.name, message.conversation_id, message.seq, message.body FROM message"
        " JOIN account ON account.id = message.sender_id"
        " ORDER BY message.conversation_id, message.seq"
    )
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
