"""MQTT as an attacker speaks it: packets put together byte by byte, right or wrong, over TCP or in
the frames of a WebSocket, and what the broker says to that."""

import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from bench.people import Person
from bridge.framing import frames, variable_length

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC = 1, 2, 3, 4, 5
SUBSCRIBE, SUBACK, PINGRESP, DISCONNECT = 8, 9, 13, 14
PING = b"\xc0\x00"
FAILURE = 0x80  # MQTT 5.0, section 2.4
_WITHIN_SECONDS = 10.0
_READ_BYTES = 1 << 18
_RESET = struct.pack("ii", 1, 0)
_BINARY_FRAME = 0x82


# Packets.


def text(value: bytes) -> bytes:
    """A string with its length (MQTT 5.0, section 1.5.4)."""
    return len(value).to_bytes(2, "big") + value


def packet(first_byte: int, body: bytes) -> bytes:
    """A whole packet of what is given."""
    return bytes([first_byte]) + variable_length(len(body)) + body


def connect_packet(
    client_id: bytes,
    user_name: bytes | None,
    password: bytes | None,
    *,
    version: int = 5,
    clean: bool = True,
    properties: bytes = b"",
    will: tuple[bytes, bytes] | None = None,
    will_properties: bytes = b"",
    keep_alive_seconds: int = 0,
) -> bytes:
    """MQTT 5.0, section 3.1."""
    flags = (
        0x02 * clean
        | 0x80 * (user_name is not None)
        | 0x40 * (password is not None)
        | 0x0C * (will is not None)
    )
    head = text(b"MQTT") + bytes([version, flags]) + keep_alive_seconds.to_bytes(2, "big")
    body = [head, _properties(properties, version), text(client_id)]
    if will is not None:
        body += [_properties(will_properties, version), text(will[0]), text(will[1])]
    body += [text(each) for each in (user_name, password) if each is not None]
    return packet(CONNECT << 4, b"".join(body))


def publish_packet(
    topic: bytes,
    payload: bytes,
    *,
    packet_id: int = 1,
    qos: int = 1,
    retain: bool = False,
    properties: bytes = b"",
    version: int = 5,
) -> bytes:
    """MQTT 5.0, section 3.3."""
    identifier = packet_id.to_bytes(2, "big") if qos else b""
    head = text(topic) + identifier + _properties(properties, version)
    return packet(PUBLISH << 4 | qos << 1 | retain, head + payload)


def subscribe_packet(
    *filters: bytes, packet_id: int = 1, options: int = 1, properties: bytes = b"", version: int = 5
) -> bytes:
    """MQTT 5.0, section 3.8."""
    head = packet_id.to_bytes(2, "big") + _properties(properties, version)
    asked = b"".join(text(each) + bytes([options]) for each in filters)
    return packet(SUBSCRIBE << 4 | 2, head + asked)


def _properties(properties: bytes, version: int) -> bytes:
    return variable_length(len(properties)) + properties if version == 5 else b""


# Answers.


@dataclass(frozen=True)
class Answer:
    """What came to a packet: another one of that kind with its reason code, or the end of the
    connection, or nothing."""

    kind: int | None
    reason: int = 0
    is_cut_off: bool = False

    @property
    def is_no(self) -> bool:
        """Whether it was refused, in words or by cutting the connection off."""
        return self.is_cut_off or self.reason >= FAILURE

    def __str__(self) -> str:
        if self.kind == DISCONNECT:
            return f"cut off with 0x{self.reason:02X}"
        if self.is_cut_off:
            return "cut off"
        if self.kind is None:
            return "no answer"
        return f"refused with 0x{self.reason:02X}" if self.is_no else "taken"


CUT_OFF = Answer(None, is_cut_off=True)
NOTHING = Answer(None)


def answer_from(frame: bytes) -> Answer:
    """As which the packet is understood."""
    kind, body = frame[0] >> 4, _body(frame)
    reason_at = {CONNACK: 1, PUBACK: 2, PUBREC: 2, DISCONNECT: 0, SUBACK: len(body) - 1}.get(kind)
    reason = body[reason_at] if reason_at is not None and reason_at < len(body) else 0
    if kind == CONNACK and 0 < reason < FAILURE:  # MQTT 3.1.1, section 3.2.2.3: all are refusals
        reason |= FAILURE
    return Answer(kind, reason, is_cut_off=kind == DISCONNECT)


def _body(frame: bytes) -> bytes:
    at = 1
    while frame[at] >= 0x80:
        at += 1
    return frame[at + 1 :]


# Connections.


class Mqtt:
    """One connection; `published` are the PUBLISH packets that came, each acknowledged if it asks
    for that. What it was sent goes to `heard` too."""

    def __init__(
        self,
        port: int,
        *,
        websocket: bool = False,
        version: int = 5,
        heard: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.version = version
        self.published: list[bytes] = []
        self.is_over = False
        self._answers: deque[Answer] = deque()
        self._heard = heard
        self._is_websocket = websocket
        self._raw = self._data = b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_WITHIN_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Gone at once: ten thousand that wait for late packets would use up the ports.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if websocket:
            self._raw = upgrade(self.socket, port)

    def open(self, person: Person) -> Self:
        """Let in as that device. Raises ConnectionError."""
        answer = self.connect(person)
        if answer.is_no or answer.kind != CONNACK:
            raise ConnectionError(f"{person.user_name} was {answer}")
        return self

    def connect(
        self,
        person: Person,
        *,
        client_id: str | None = None,
        password: str | None = None,
        clean: bool = True,
        properties: bytes = b"",
        will: tuple[bytes, bytes] | None = None,
        will_properties: bytes = b"",
    ) -> Answer:
        """What the broker says to that device, or to another that it pretends to be."""
        said = connect_packet(
            (person.user_name if client_id is None else client_id).encode(),
            person.user_name.encode(),
            (person.password if password is None else password).encode(),
            version=self.version,
            clean=clean,
            properties=properties,
            will=will,
            will_properties=will_properties,
        )
        return self.ask(said, CONNACK)

    def subscribe(self, *filters: str) -> Answer:
        """The answer to the last of them."""
        asked = [each.encode() for each in filters]
        return self.ask(subscribe_packet(*asked, version=self.version), SUBACK)

    def publish(self, topic: str | bytes, payload: str | bytes, **options: int) -> Answer:
        """At QoS 1, if not said otherwise."""
        said = publish_packet(
            topic.encode() if isinstance(topic, str) else topic,
            payload.encode() if isinstance(payload, str) else payload,
            version=self.version,
            **options,  # type: ignore[arg-type]
        )
        return self.ask(said, PUBREC if options.get("qos") == 2 else PUBACK)

    def ask(self, data: bytes, kind: int, *, seconds: float = _WITHIN_SECONDS) -> Answer:
        """Send that; the next packet of that kind, or what came instead."""
        self.send(data)
        return self.wait_for(kind, seconds=seconds)

    def is_cut_off_after(self, data: bytes) -> Answer:
        """Send that, and a PING behind it: whether the broker still talks after it."""
        return self.ask(data + PING, PINGRESP)

    def wait_for(self, kind: int, *, seconds: float = _WITHIN_SECONDS) -> Answer:
        """The next packet of that kind; CUT_OFF or NOTHING where there is none."""
        deadline = time.monotonic() + seconds
        while True:
            self._take()
            while self._answers:
                answer = self._answers.popleft()
                if answer.kind in (kind, DISCONNECT):
                    return answer
            if self.is_over:
                return CUT_OFF
            if not self._read(deadline - time.monotonic()):
                return NOTHING

    def hears(self, what: bytes, *, seconds: float = _WITHIN_SECONDS) -> bool:
        """Whether something with these bytes comes, or has come."""
        deadline = time.monotonic() + seconds
        while True:
            self._take()
            if any(what in each for each in self.published):
                return True
            if self.is_over or not self._read(deadline - time.monotonic()):
                return False

    def everything(self, *, seconds: float = _WITHIN_SECONDS) -> bytes:
        """All that comes until the end."""
        deadline = time.monotonic() + seconds
        while not self.is_over and self._read(deadline - time.monotonic()):
            pass
        return self._data

    def send(self, data: bytes) -> None:
        """As it is, in one frame where there are frames; to who has cut us off, nothing."""
        self.send_bytes(frame_of(data) if self._is_websocket else data)

    def send_bytes(self, data: bytes) -> None:
        """Without a frame of ours around it."""
        with suppress(OSError):
            self.socket.sendall(data)

    def end_sending(self) -> None:
        """Nothing more comes from here."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, seconds: float) -> bool:
        """Whether anything came, be it the end."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(_READ_BYTES)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        self.is_over = not data
        self._heard(data)
        if self._is_websocket:
            data = self._unframed(data)
        self._data += data
        return True

    def _unframed(self, data: bytes) -> bytes:
        """What the frames that are whole hold (RFC 6455, section 5.2); a close frame is the end."""
        self._raw += data
        held = b""
        while len(self._raw) >= 2:
            size, at = self._raw[1] & 0x7F, 2
            if size >= 126:
                at = 4 if size == 126 else 10
                size = int.from_bytes(self._raw[2:at], "big")
            if len(self._raw) < at + size:
                break
            self.is_over = self.is_over or self._raw[0] & 0x0F == 8
            if self._raw[0] & 0x0F <= 2:
                held += self._raw[at : at + size]
            self._raw = self._raw[at + size :]
        return held

    def _take(self) -> None:
        """The packets that are whole; what was published apart from the answers."""
        end = 0
        for begin, end in frames(memoryview(self._data)):
            frame = self._data[begin:end]
            if frame[0] >> 4 == PUBLISH:
                self.published.append(frame)
                self._acknowledge(frame)
            else:
                self._answers.append(answer_from(frame))
        self._data = self._data[end:]

    def _acknowledge(self, frame: bytes) -> None:
        if frame[0] & 0x06:
            body = _body(frame)
            at = 2 + int.from_bytes(body[:2], "big")
            self.send(packet(PUBACK << 4, body[at : at + 2]))


def upgrade_request(
    port: int, *, path: str = "/mqtt", protocol: str | None = "mqtt", origin: str | None = None
) -> bytes:
    """What begins a WebSocket (RFC 6455, section 4.1)."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    if protocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {protocol}")
    if origin is not None:
        lines.append(f"Origin: {origin}")
    return "\r\n".join([*lines, "", ""]).encode()


def upgrade(connection: socket.socket, port: int, **how: str | None) -> bytes:
    """Become a WebSocket; answers what came behind the handshake. Raises ConnectionError."""
    connection.sendall(upgrade_request(port, **how))  # type: ignore[arg-type]
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(_READ_BYTES)
        if not more:
            break
        answer += more
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise ConnectionError(head.partition(b"\r\n")[0].decode("latin-1") or "cut off")
    return rest


def frame_of(data: bytes, *, first_byte: int = _BINARY_FRAME, mask: bytes | None = None) -> bytes:
    """A client's frame, masked as it must be (RFC 6455, section 5.3)."""
    mask = mask or os.urandom(4)
    size = len(data)
    if size < 126:
        head = bytes([first_byte, 0x80 | size])
    elif size < 1 << 16:
        head = bytes([first_byte, 0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first_byte, 0x80 | 127]) + size.to_bytes(8, "big")
    repeated = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + masked.to_bytes(size, "big")
