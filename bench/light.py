"""A light client, of which one process holds thousands: it follows the protocol as a good client
does, on a bare codec. It connects, subscribes, says that it is online, fetches what it missed over
HTTP, merges by `seq`, keeps what it sends until it comes back, and returns with ever longer waits.
"""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count, cycle
from typing import Any

import httpx
import mqtt5

from bench.packets import whole_packets
from bench.people import Person

_KEEP_ALIVE_SECONDS = 60
_ANSWER_WITHIN_SECONDS = 20.0
_REPEAT_AFTER_SECONDS = 10.0
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0
_PAGE = 200
_GAP_SECONDS = 0.2
_LIVE = mqtt5.QoS.AT_MOST_ONCE  # what is missed is fetched


class Lost(Exception):
    """The connection ended, or did not come about."""


class Site:
    """The HTTP API, asked by thousands over a few connections, one behind the other."""

    def __init__(self, client: httpx.AsyncClient, *, at_once: int) -> None:
        self._client = client
        self._may_ask = asyncio.Semaphore(at_once)

    async def ask(self, path: str, person: Person) -> dict[str, Any]:
        """What it answers to that device. Raises httpx.HTTPError."""
        async with self._may_ask:
            who = (person.user_name, person.password)
            answer = await self._client.get(f"/api/v1{path}", auth=who)
            found: dict[str, Any] = answer.raise_for_status().json()
            return found


class LightClient:
    """One device. `seen` has the texts of each peer's conversation by `seq`; `is_back_at` and
    `caught_up_at` are moments of the monotonic clock, of the last connection."""

    def __init__(self, person: Person, site: Site) -> None:
        self.person = person
        self.seen: defaultdict[str, dict[int, str]] = defaultdict(dict)
        self.sent: list[str] = []
        self.is_back_at: float | None = None
        self.caught_up_at: float | None = None
        self._site = site
        self._outbox: dict[str, str] = {}
        self._numbers = count(1)
        self._has_come_back = asyncio.Event()
        self._connection: _Connection | None = None
        self._filling: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_done(self) -> bool:
        """Whether all that it sent has come back."""
        return not self._outbox

    @property
    def is_online(self) -> bool:
        """Whether it is connected and subscribed now."""
        return self._connection is not None and not self._connection.lost.done()

    async def run(self) -> None:
        """Connected, as far as that can be, until it is cancelled."""
        attempts = 0
        while True:
            connection = _Connection(self.person, self._take)
            try:
                await connection.open()
                self._connection, attempts = connection, 0
                self.is_back_at = time.monotonic()
                await self._catch_up(connection)
                await connection.lost
            except Lost:
                pass
            finally:
                self._connection = None
                connection.close()
            await asyncio.sleep(_wait_seconds(attempts))
            attempts += 1

    async def send_all(self, peer: str, every_seconds: float, is_enough: asyncio.Event) -> None:
        """One after the other, each when the one before has come back and its time has come."""
        await asyncio.sleep(random.uniform(0, every_seconds))  # noqa: S311  not all at one time
        while not is_enough.is_set():
            text = f"{self.person.account} says {next(self._numbers)}"
            self._outbox[f"{self.person.account}-{len(self.sent)}"] = text
            self.sent.append(text)
            await self._until_back(peer)
            await asyncio.sleep(every_seconds)

    async def _until_back(self, peer: str) -> None:
        while self._outbox:
            self._has_come_back.clear()
            for id, text in self._outbox.items():
                if self._connection is not None:
                    self._connection.publish(peer, {"id": id, "text": text})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_come_back.wait(), _REPEAT_AFTER_SECONDS)

    # What comes, live or fetched.

    def _take(self, message: dict[str, Any]) -> None:
        peer = self._merge(message)
        texts = self.seen[peer]
        if len(texts) != max(texts):
            self._soon(self._fill_gap(peer))

    def _merge(self, message: dict[str, Any]) -> str:
        is_own = message["from"] == self.person.account
        peer = str(message["to"] if is_own else message["from"])
        seq = message["seq"]
        assert isinstance(seq, int)
        self.seen[peer][seq] = str(message["text"])
        if is_own and self._outbox.pop(str(message["id"]), None) is not None:
            self._has_come_back.set()
        return peer

    async def _catch_up(self, connection: "_Connection") -> None:
        self.caught_up_at = None
        listed = await self._ask("/conversations", connection)
        for each in listed["conversations"]:
            if each["last_seq"] != len(self.seen[each["peer"]]):
                await self._fill(each["peer"])
        self.caught_up_at = time.monotonic()

    async def _fill_gap(self, peer: str) -> None:
        await asyncio.sleep(_GAP_SECONDS)  # copies may overtake each other
        texts = self.seen[peer]
        if len(texts) != max(texts):
            await self._fill(peer)

    async def _fill(self, peer: str) -> None:
        """Fetch from the first that is not there."""
        if peer in self._filling:
            return
        self._filling.add(peer)
        try:
            more = True
            while more:
                texts = self.seen[peer]
                after = next(seq for seq in count(0) if seq + 1 not in texts)
                page = await self._ask(
                    f"/conversations/{peer}/messages?after={after}&limit={_PAGE}"
                )
                for message in page["messages"]:
                    self._merge(message)
                more = page["more"]
        finally:
            self._filling.discard(peer)

    async def _ask(self, path: str, connection: "_Connection | None" = None) -> dict[str, Any]:
        """Until the site answers. Raises Lost when the connection ends before that."""
        for attempts in count():
            if connection is not None and connection.lost.done():
                raise Lost
            with suppress(httpx.HTTPError):
                return await self._site.ask(path, self.person)
            await asyncio.sleep(_wait_seconds(attempts))
        raise AssertionError

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Connection(asyncio.Protocol):
    """One connection, from CONNECT to its end; `lost` is done when it has ended."""

    def __init__(self, person: Person, take: Callable[[dict[str, Any]], None]) -> None:
        loop = asyncio.get_running_loop()
        self._person, self._on_message = person, take
        self._buffer = b""
        self._ready: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._ping: asyncio.TimerHandle | None = None
        self._packet_ids = cycle(range(1, 0xFFFF))
        self._name = f"{person.user_name.partition('.')[2]}-{time.time_ns():x}"

    async def open(self) -> None:
        """Connected, subscribed and said to be online. Raises Lost."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                await loop.create_connection(lambda: self, self._person.host, self._person.port)
                await self._ready
        except (OSError, TimeoutError) as error:
            raise Lost(str(error)) from None
        self.publish("-", {"online": True, "connection": self._name}, verb="presence")
        self._ping_later()

    def publish(self, to: str, payload: object, *, verb: str = "send") -> None:
        """At QoS 1; what is lost is sent again by who keeps it."""
        packet = mqtt5.PublishPacket(
            self._topic(to, verb),
            json.dumps(payload).encode(),
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=next(self._packet_ids),
        )
        self._write(packet)

    def close(self) -> None:
        if self._ping is not None:
            self._ping.cancel()
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._write(
            mqtt5.ConnectPacket(
                self._person.user_name,
                username=self._person.user_name,
                password=self._person.password.encode(),
                clean_start=True,
                keep_alive=_KEEP_ALIVE_SECONDS,
                will=mqtt5.Will(
                    self._topic("-", "presence"),
                    payload=json.dumps({"online": False, "connection": self._name}).encode(),
                    qos=mqtt5.QoS.AT_LEAST_ONCE,
                ),
            )
        )

    def data_received(self, data: bytes) -> None:
        packets, self._buffer = whole_packets(self._buffer + data)
        for packet in packets:
            self._take(packet)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._ready.done():
            self._ready.set_exception(OSError("the connection ended"))
            self._ready.exception()  # nobody need wait for it
        if not self.lost.done():
            self.lost.set_result(None)

    # What comes, and what is said.

    def _take(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.PublishPacket):
            if packet.topic.endswith("/message"):
                self._on_message(json.loads(packet.payload))
        elif isinstance(packet, mqtt5.ConnAckPacket):
            if int(packet.reason_code) < 0x80:
                down = mqtt5.TopicFilter(self._person.receive_filter, max_qos=_LIVE)
                self._write(mqtt5.SubscribePacket(1, [down]))
            elif self._transport is not None:
                self._transport.abort()
        elif isinstance(packet, mqtt5.SubAckPacket) and not self._ready.done():
            self._ready.set_result(None)

    def _topic(self, to: str, verb: str) -> str:
        return self._person.send_topic.replace("{to}", to).removesuffix("send") + verb

    def _ping_later(self) -> None:
        seconds = _KEEP_ALIVE_SECONDS * random.uniform(0.5, 0.9)  # noqa: S311  no secret
        self._ping = asyncio.get_running_loop().call_later(seconds, self._say_ping)

    def _say_ping(self) -> None:
        self._write(mqtt5.PingReqPacket())
        self._ping_later()

    def _write(self, packet: Any) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(packet.write())


def _wait_seconds(attempts: int) -> float:
    """Doubling, each between half of the full one and the full one."""
    full = min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * 2.0 ** min(attempts, 10))
    return random.uniform(full / 2, full)  # noqa: S311  no secret
