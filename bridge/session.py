"""One MQTT 5 session of one shard: receives, acknowledges on demand, publishes with a window.

Built on `mqtt5`, a codec in Rust without any I/O, under a plain asyncio protocol. This is the hot
path, and the ready-made clients do not fit it: aiomqtt 2.5 acknowledges a message when it arrives,
before anything is stored, and cannot be told not to; paho-mqtt walks its list of messages in
flight at each acknowledgement (over 500 µs a message with a thousand in flight, against 26 µs here
and 51 µs with gmqtt; November 2026, 2 cores). What a message means is no business of this file.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import mqtt5
from msgspec import Struct

from bridge import metrics
from bridge.framing import PUBLISH, decoded, frames, packet_id_of_publish
from chat.topics import up_filter
from chat.user_names import bridge_user_name

# How many messages the broker may send us before we have acknowledged the first: the back-pressure.
RECEIVE_MAXIMUM = 1_000
KEEP_ALIVE_SECONDS = 20
ANSWER_WITHIN_SECONDS = 10.0
# A cluster without a majority withholds its answers until it has one again; a broker that forgot to
# answer never will, and would hold up the shard for ever.
_PUBLISHED_WITHIN_SECONDS = 60.0
_FOR_EVER = 0xFFFFFFFF
_LARGEST_OF_ALL_BYTES = 268_435_460  # MQTT 5.0, section 2.1.4
_OVERHEAD_BYTES = 32  # more than header, lengths, packet id and properties take
_FAILURE = 0x80  # MQTT 5.0, section 2.4: reason codes from here on are failures
_TOO_LARGE = 0x95


class SessionLost(Exception):
    """The connection ended, or never came to be; the message says why."""


class TakenOver(SessionLost):
    """Another bridge opened the same session (MQTT 5.0, reason code 0x8E)."""


class Incoming(Struct, eq=False):
    """A message that has arrived and is not acknowledged yet."""

    session: "Session"
    packet_id: int | None
    topic: str
    payload: bytes
    duplicate: bool
    response_topic: str | None
    correlation_data: bytes | None
    unanswered: int = 0
    settled: bool = False


class Refusal(NamedTuple):
    """A copy that the broker did not take, and its reason code."""

    topic: str
    payload: bytes
    reason: int


_NOTHING: tuple[None, str, bytes] = (None, "", b"")


class Session(asyncio.Protocol):
    """The connection that one shard's session has now. A new connection is a new object."""

    def __init__(
        self,
        shard: int,
        *,
        lease_number: int,
        receive: Callable[[Incoming], None],
        refused: Callable[[Refusal], None] = lambda _: None,
    ) -> None:
        self.shard = shard
        self.lease_number = lease_number
        self.user_name = bridge_user_name(shard)
        self.present_before = False
        self.receives = True
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[NoReturn] = loop.create_future()
        self._loop = loop
        self._receive = receive
        self._refused = refused
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[mqtt5.ConnAckPacket | mqtt5.SubAckPacket] | None = None
        self._heard_at = loop.time()
        self._answered_at = loop.time()
        self._outgoing: list[bytes] = []
        self._in_order: deque[Incoming] = deque()
        # What was sent and is not answered yet, with its topic and payload.
        self._in_flight: dict[int, tuple[Incoming | None, str, bytes]] = {}
        self._waiting: deque[tuple[str, bytes, bytes | None, Incoming | None]] = deque()
        self._window = RECEIVE_MAXIMUM
        self._largest_packet_bytes = _LARGEST_OF_ALL_BYTES
        self._last_packet_id = 0

    @property
    def is_open(self) -> bool:
        return not self.lost.done()

    @property
    def is_idle(self) -> bool:
        """Whether the broker has answered for all that was published."""
        return not (self._in_flight or self._waiting)

    async def open(self, password: str) -> None:
        """Connect and subscribe; the broker keeps the session from then on. Raises SessionLost."""
        connack = await self._ask(
            mqtt5.ConnectPacket(
                self.user_name,
                username=self.user_name,
                password=password.encode(),
                clean_start=False,
                keep_alive=KEEP_ALIVE_SECONDS,
                session_expiry_interval=_FOR_EVER,
                receive_max=RECEIVE_MAXIMUM,
            )
        )
        if not isinstance(connack, mqtt5.ConnAckPacket) or int(connack.reason_code) >= _FAILURE:
            raise SessionLost(f"the broker refused the connection: {_code(connack)}")
        self.present_before = connack.session_present
        self._window = min(connack.receive_max, RECEIVE_MAXIMUM)
        self._largest_packet_bytes = connack.max_packet_size or _LARGEST_OF_ALL_BYTES
        one_filter = mqtt5.TopicFilter(up_filter(self.shard), max_qos=mqtt5.QoS.AT_LEAST_ONCE)
        suback = await self._ask(mqtt5.SubscribePacket(1, [one_filter]))
        if not isinstance(suback, mqtt5.SubAckPacket) or int(suback.reason_codes[0]) >= _FAILURE:
            raise SessionLost(f"the broker refused the subscription: {_code(suback)}")
        self._last_packet_id = 1
        self._loop.call_later(KEEP_ALIVE_SECONDS / 2, self._keep_alive)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        at_least_once: bool = True,
        correlation_data: bytes | None = None,
        because_of: Incoming | None = None,
    ) -> None:
        """Send one message. At QoS 1, `because_of` is settled when the last of its copies has been
        answered by the broker; beyond the window, messages wait here in their order. What is
        larger than the broker takes counts as refused: to send it would end the connection, and
        its cause would come again and again."""
        size_bytes = len(topic.encode()) + len(payload) + len(correlation_data or b"")
        if size_bytes + _OVERHEAD_BYTES > self._largest_packet_bytes:
            self._note_refusal(topic, payload, _TOO_LARGE)
            return
        if not at_least_once:
            self._write(mqtt5.PublishPacket(topic, payload).write())
            return
        if because_of is not None:
            because_of.unanswered += 1
        if self._waiting or len(self._in_flight) >= self._window:
            self._waiting.append((topic, payload, correlation_data, because_of))
        else:
            self._publish_now(topic, payload, correlation_data, because_of)

    def settle(self, incoming: Incoming) -> None:
        """Acknowledge a message as soon as all that arrived before it are settled too
        (MQTT 5.0, section 4.6: acknowledgements keep the order of arrival)."""
        incoming.settled = True
        while self._in_order and self._in_order[0].settled:
            packet_id = self._in_order.popleft().packet_id
            if packet_id is not None:
                self._write(mqtt5.PubAckPacket(packet_id).write())

    def stop_receiving(self) -> None:
        """Take in nothing more: it stays without acknowledgement, and comes to whoever opens the
        session next."""
        self.receives = False

    def close(self, why: SessionLost | None = None) -> None:
        """End the connection, not the session: what is not acknowledged comes again."""
        if self._transport is not None and self.is_open:
            self._write(mqtt5.DisconnectPacket().write())
            self._flush()
            self._transport.close()
        self._lose(why or SessionLost("closed"))

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._lose(SessionLost(str(error) if error else "the broker closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        buffer = memoryview(self._buffer + data if self._buffer else data)
        used = 0
        for start, end in frames(buffer):
            self._take(buffer[start:end])
            used = end
        self._buffer = bytes(buffer[used:])

    # How a packet is taken in.

    def _take(self, frame: memoryview) -> None:
        packet = decoded(frame)
        if isinstance(packet, mqtt5.PublishPacket):
            self._take_publish(packet)
        elif isinstance(packet, mqtt5.PubAckPacket):
            self._take_puback(packet)
        elif isinstance(packet, mqtt5.ConnAckPacket | mqtt5.SubAckPacket):
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            taken_over = packet.reason_code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
            kind = TakenOver if taken_over else SessionLost
            self._lose(kind(f"the broker ended the connection: {packet.reason_code!r}"))
        elif packet is None:
            self._take_unreadable(frame)

    def _take_publish(self, packet: mqtt5.PublishPacket) -> None:
        if not self.receives:
            return
        incoming = Incoming(
            self,
            packet.packet_id,
            packet.topic,
            packet.payload,
            packet.duplicate,
            packet.response_topic,
            packet.correlation_data,
        )
        self._in_order.append(incoming)
        self._receive(incoming)

    def _take_puback(self, packet: mqtt5.PubAckPacket) -> None:
        self._answered_at = self._heard_at
        because_of, topic, payload = self._in_flight.pop(packet.packet_id, _NOTHING)
        if int(packet.reason_code) >= _FAILURE:
            self._note_refusal(topic, payload, int(packet.reason_code))
        if because_of is not None:
            because_of.unanswered -= 1
            if because_of.unanswered == 0:
                self.settle(because_of)
        while self._waiting and len(self._in_flight) < self._window:
            self._publish_now(*self._waiting.popleft())

    def _note_refusal(self, topic: str, payload: bytes, reason: int) -> None:
        """The archive has it, and `seq` shows the gap: counted and noted, never sent again."""
        metrics.COPIES_REFUSED.inc()
        self._refused(Refusal(topic, payload, reason))

    def _take_unreadable(self, frame: memoryview) -> None:
        """A packet that the codec cannot read must not come again for ever: it is handed on
        without a topic, so that it is counted and acknowledged as any other."""
        if frame[0] >> 4 != PUBLISH:
            self._lose(SessionLost("the broker sent a packet that cannot be read"))
            return
        packet_id = packet_id_of_publish(frame)
        incoming = Incoming(self, packet_id, "", b"", False, None, None)
        self._in_order.append(incoming)
        self._receive(incoming)

    # How a packet goes out.

    def _publish_now(
        self,
        topic: str,
        payload: bytes,
        correlation_data: bytes | None,
        because_of: Incoming | None,
    ) -> None:
        packet_id = self._free_packet_id()
        if not self._in_flight:
            self._answered_at = self._loop.time()
        self._in_flight[packet_id] = because_of, topic, payload
        packet = mqtt5.PublishPacket(
            topic,
            payload,
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=packet_id,
            correlation_data=correlation_data,
        )
        self._write(packet.write())

    def _free_packet_id(self) -> int:
        packet_id = self._last_packet_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._in_flight:
                self._last_packet_id = packet_id
                return packet_id

    def _write(self, packet: bytes) -> None:
        """What is written in one turn of the loop goes out in one piece."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(packet)

    def _flush(self) -> None:
        if self._outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    async def _ask(
        self, packet: mqtt5.ConnectPacket | mqtt5.SubscribePacket
    ) -> mqtt5.ConnAckPacket | mqtt5.SubAckPacket:
        self._answer = self._loop.create_future()
        self._write(packet.write())
        either: list[asyncio.Future[Any]] = [self._answer, self.lost]
        await asyncio.wait(
            either,
            timeout=ANSWER_WITHIN_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._answer.done():
            return self._answer.result()
        self.close(SessionLost("the broker did not answer"))
        return self.lost.result()

    def _keep_alive(self) -> None:
        if not self.is_open:
            return
        if self._loop.time() - self._heard_at > 1.5 * KEEP_ALIVE_SECONDS:
            self.close(SessionLost("the broker has been silent for too long"))
            return
        if self._in_flight and self._loop.time() - self._answered_at > _PUBLISHED_WITHIN_SECONDS:
            self.close(SessionLost("the broker has not answered a delivery for too long"))
            return
        self._write(mqtt5.PingReqPacket().write())
        self._loop.call_later(KEEP_ALIVE_SECONDS / 2, self._keep_alive)

    def _lose(self, why: SessionLost) -> None:
        if not self.lost.done():
            self.lost.set_exception(why)
            self.lost.exception()  # read, so that asyncio does not complain when nobody waits
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()


def _code(answer: mqtt5.ConnAckPacket | mqtt5.SubAckPacket) -> str:
    if isinstance(answer, mqtt5.ConnAckPacket):
        return repr(answer.reason_code)
    return repr(answer.reason_codes[0])
