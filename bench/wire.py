"""One device's connection, bare: a socket, packets that were made before, and as little Python for
each packet as can be, so that the load is not what is measured. Loads drive many of them at once
(`load.py`, `connecting.py`); a client that follows the protocol is in `light.py`.
"""

import socket
import struct
from contextlib import suppress
from functools import cache

import mqtt5

from bench.people import Person

_ANSWER_WITHIN_SECONDS = 30.0
# None: who only listens, at QoS 0, sends nothing for as long as a run lasts.
_KEEP_ALIVE_SECONDS = 0
_READ_BYTES = 1 << 18
_PUBLISH, _PUBLISH_TAKEN, _PINGRESP = 0x3, 0x4, 0xD
_PUBACK = b"\x40\x02"
PING = b"\xc0\x00"
_RESET = struct.pack("ii", 1, 0)


class Refused(ConnectionError):
    """The broker did not let it in, or did not let it subscribe."""


class Wire:
    """`received_bytes` and `sent_bytes` are what went over the connection since it was opened;
    `acknowledged` counts what the broker has taken."""

    def __init__(self, person: Person, *, receive_qos: int = 0) -> None:
        self.person = person
        self.received_bytes = 0
        self.sent_bytes = 0
        self.pings_answered = 0
        self.acknowledged = 0
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Gone at once: ten thousand that wait for late packets would use up the ports.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._receive_qos = receive_qos
        topic = person.receive_filter.replace("#", "message").encode()
        self._topic = len(topic).to_bytes(2, "big") + topic
        self._rest = b""
        self._unsent = b""

    def fileno(self) -> int:
        return self.socket.fileno()

    def open(self) -> None:
        """Connected and subscribed. Raises Refused, and OSError."""
        self.socket.settimeout(_ANSWER_WITHIN_SECONDS)
        self.socket.connect((self.person.host, self.person.port))
        self.socket.sendall(connect_packet(self.person))
        check_let_in(self.person, self._one_packet())
        self.socket.sendall(self.subscribe_packet())
        if any(int(code) >= 0x80 for code in self._suback().reason_codes):
            raise Refused(f"{self.person.user_name} may not subscribe")
        self.socket.setblocking(False)
        self.received_bytes = self.sent_bytes = 0

    def send(self, data: bytes) -> bool:
        """Whether all of it, and all before it, could be sent; else `send(b"")` goes on."""
        data = self._unsent + data
        try:
            sent = self.socket.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        self.sent_bytes += sent
        self._unsent = data[sent:]
        return not self._unsent

    def messages(self) -> list[bytes]:
        """The messages that have arrived, each with what stands before its payload. Raises OSError
        when the connection has ended."""
        try:
            arrived = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        if not arrived:
            raise ConnectionResetError(f"the broker cut {self.person.user_name} off")
        self.received_bytes += len(arrived)
        return self._taken(self._rest + arrived if self._rest else arrived)

    def close(self) -> None:
        self.socket.close()

    def _taken(self, data: bytes) -> list[bytes]:
        found, acknowledgements = [], []
        at, end, topic = 0, len(data), self._topic
        while at + 2 <= end:
            size, body = _size_at(data, at + 1)
            after = body + size
            if after > end:
                break
            kind = data[at] >> 4
            if kind == _PUBLISH:
                if data.startswith(topic, body):
                    found.append(data[body + len(topic) : after])
                if data[at] & 0x06:
                    id_at = body + 2 + int.from_bytes(data[body : body + 2], "big")
                    acknowledgements.append(_PUBACK + data[id_at : id_at + 2])
            elif kind == _PUBLISH_TAKEN:
                self.acknowledged += 1
            elif kind == _PINGRESP:
                self.pings_answered += 1
            at = after
        self._rest = data[at:]
        if acknowledgements:
            self.send(b"".join(acknowledgements))
        return found

    def subscribe_packet(self) -> bytes:
        qos = mqtt5.QoS(self._receive_qos)
        down = mqtt5.TopicFilter(self.person.receive_filter, max_qos=qos)
        return mqtt5.SubscribePacket(1, [down]).write()

    def _suback(self) -> mqtt5.SubAckPacket:
        while not isinstance(packet := self._one_packet(), mqtt5.SubAckPacket):
            pass  # news of others, which come when they will
        return packet

    def _one_packet(self) -> mqtt5.Packet:
        packet, self._rest = first_packet(self._rest, self.socket)
        return packet


def first_packet(data: bytes, source: socket.socket) -> tuple[mqtt5.Packet, bytes]:
    """The next packet, waited for, and what came after it."""
    while True:
        with suppress(IndexError):  # the rest of it is still on its way
            packet, size = mqtt5.read(memoryview(data))
            return packet, data[size:]
        more = source.recv(_READ_BYTES)
        if not more:
            raise ConnectionResetError("the broker ended the connection")
        data += more


@cache
def connect_packet(person: Person) -> bytes:
    """With the credential, a clean session, and nothing to be kept."""
    return mqtt5.ConnectPacket(
        person.user_name,
        username=person.user_name,
        password=person.password.encode(),
        clean_start=True,
        keep_alive=_KEEP_ALIVE_SECONDS,
    ).write()


def check_let_in(person: Person, answer: mqtt5.Packet) -> None:
    """Raises Refused when the answer to a connect packet is no."""
    if not isinstance(answer, mqtt5.ConnAckPacket) or int(answer.reason_code) >= 0x80:
        raise Refused(f"{person.user_name} was answered {answer!r}")


def _size_at(data: bytes, at: int) -> tuple[int, int]:
    """A packet's size and where it begins (MQTT 5.0, section 1.5.5); one that ends after `data`
    where not even its size has arrived."""
    size = 0
    for place in range(at, min(at + 4, len(data))):
        size |= (data[place] & 0x7F) << 7 * (place - at)
        if data[place] < 0x80:
            return size, place + 1
    return len(data), at + 1
