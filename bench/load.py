"""A load: people who write to each other as fast as they are answered, each within a window.

The client is a bare codec under asyncio, so that it is not what is measured; its own CPU time is
reported beside the rest.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from itertools import count

import mqtt5

from bench.people import Person

_TEXT = "x" * 60
_ANSWER_WITHIN_SECONDS = 30.0
_numbers = count()


@dataclass(frozen=True)
class Outcome:
    """What a load saw. `delivered` counts what reached the receivers, without the senders' own."""

    archived: int
    delivered: int
    seconds: float
    client_cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Messages archived, and heard of by their senders, a second."""
        return self.archived / self.seconds


async def exchange(pairs: list[tuple[Person, Person]], *, each: int, window: int) -> Outcome:
    """In each pair, the first sends `each` messages to the second, at most `window` of them on
    their way at one time. Raises TimeoutError when nothing comes back for long."""
    run = next(_numbers)
    senders = [_Connection(sender) for sender, _ in pairs]
    receivers = [_Connection(receiver) for _, receiver in pairs]
    for connection in (*senders, *receivers):
        await connection.open()
    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(
        *(
            sender.send_all(peer.account, f"{run}-{sender.person.account}", each, window)
            for sender, (_, peer) in zip(senders, pairs, strict=True)
        )
    )
    seconds = time.perf_counter() - started
    client_cpu_seconds = time.process_time() - cpu
    await asyncio.sleep(0.5)  # the last copies to the receivers
    for connection in (*senders, *receivers):
        connection.close()
    return Outcome(
        archived=len(pairs) * each,
        delivered=sum(receiver.heard for receiver in receivers),
        seconds=seconds,
        client_cpu_seconds=client_cpu_seconds,
    )


class _Connection(asyncio.Protocol):
    """One device's connection, which counts what comes down."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.heard = 0
        self._buffer = b""
        self._ready = asyncio.get_running_loop().create_future()
        self._done: asyncio.Future[None] | None = None
        self._unsent: list[bytes] = []
        self._unanswered: set[str] = set()
        self._last_packet_id = 1

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, self.person.host, self.person.port)
        await asyncio.wait_for(self._ready, _ANSWER_WITHIN_SECONDS)

    async def send_all(self, to: str, prefix: str, number: int, window: int) -> None:
        """Send so many messages, and return when all have come back."""
        self._topic = self.person.send_topic.replace("{to}", to)
        ids = [f"{prefix}-{each}" for each in range(number)]
        self._unsent = [json.dumps({"id": id, "text": _TEXT}).encode() for id in reversed(ids)]
        self._unanswered = set(ids)
        self._done = asyncio.get_running_loop().create_future()
        for _ in range(min(window, number)):
            self._send_next()
        before = -1
        while not self._done.done():
            if before == len(self._unanswered):
                raise TimeoutError(f"{before} messages of {self.person.account} did not come back")
            before = len(self._unanswered)
            await asyncio.wait([self._done], timeout=_ANSWER_WITHIN_SECONDS)

    def close(self) -> None:
        self._transport.write(mqtt5.DisconnectPacket().write())
        self._transport.close()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connect = mqtt5.ConnectPacket(
            self.person.user_name,
            username=self.person.user_name,
            password=self.person.password.encode(),
            clean_start=True,
            keep_alive=600,
        )
        transport.write(connect.write())

    def data_received(self, data: bytes) -> None:
        view = memoryview(self._buffer + data if self._buffer else data)
        used = 0
        while used < len(view):
            try:
                packet, size = mqtt5.read(view[used:])
            except IndexError:  # the rest of it is still on its way
                break
            used += size
            self._take(packet)
        self._buffer = bytes(view[used:])

    # What comes.

    def _take(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.PublishPacket):
            if packet.topic.endswith("/message"):
                self._take_message(packet.payload)
        elif isinstance(packet, mqtt5.ConnAckPacket):
            if int(packet.reason_code) >= 0x80:
                self._ready.set_exception(ConnectionRefusedError(repr(packet.reason_code)))
                return
            down = mqtt5.TopicFilter(self.person.receive_filter, max_qos=mqtt5.QoS.AT_MOST_ONCE)
            self._transport.write(mqtt5.SubscribePacket(1, [down]).write())
        elif isinstance(packet, mqtt5.SubAckPacket):
            self._ready.set_result(None)

    def _take_message(self, payload: bytes) -> None:
        record = json.loads(payload)
        if record["from"] != self.person.account:
            self.heard += 1
            return
        self._unanswered.discard(record["id"])
        if not self._unanswered and self._done is not None and not self._done.done():
            self._done.set_result(None)
        self._send_next()

    def _send_next(self) -> None:
        if not self._unsent:
            return
        self._last_packet_id = self._last_packet_id % 0xFFFF + 1
        packet = mqtt5.PublishPacket(
            self._topic,
            self._unsent.pop(),
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=self._last_packet_id,
        )
        self._transport.write(packet.write())
