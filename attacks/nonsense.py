"""Inputs that nobody has thought of, made from a seed: topics and payloads, packets, frames, what
the broker asks."""

import json
import random
from collections.abc import Sequence

from attacks.mqtt import (
    CONNECT,
    PING,
    connect_packet,
    frame_of,
    packet,
    publish_packet,
    subscribe_packet,
    text,
)
from bench.people import Person
from chat.topics import VERBS, up

_NAMES = ("bob", "alice", "nobody", "-", "", "a" * 40, "mallory", "../x", "ж", "bob/x")
VALUES: tuple[object, ...] = (
    *(None, True, 0, -1, 1, 2**53, 1e308),
    *("", "x", "\0", "\u202e", "\ud800", "👍", [], {}, [[]], "x" * 5_000),
)
_FIELDS = ("id", "text", "seq", "sent_at", "reply_to", "reaction", "before", "after", "limit")
_MORE_FIELDS = ("request", "online", "connection", "from", "to", "conversation")
# Of frames (RFC 6455, section 5.2): binary, a part, its rest, text, ping, pong, close, reserved.
_FIRST_BYTES = (0x82, 0x82, 0x02, 0x80, 0x81, 0x89, 0x8A, 0x88, 0x83, 0xF2)


class Nonsense:
    """The same for the same seed."""

    def __init__(self, seed: int, person: Person) -> None:
        self.chance = random.Random(seed)  # noqa: S311  no secret is made of it
        self.person = person

    # Of an account that has come in.

    def published(self) -> tuple[bytes, bytes]:
        """Topic and payload: of a verb, or nearly so."""
        to = self.chance.choice(_NAMES)
        verb = self.chance.choice((*VERBS, "", "Send", "x" * 300))
        topic = up(self.person.account, to, verb).encode()
        return topic.replace(b"+", b"").replace(b"#", b""), self.payload()

    def payload(self) -> bytes:
        """JSON of right and wrong fields, a part of it, text, or bytes."""
        kind = self.chance.randrange(6)
        if kind == 0:
            return self.chance.randbytes(self.chance.randrange(200))
        if kind == 1:
            return "".join(chr(self.chance.randrange(1, 0xD800)) for _ in range(20)).encode()
        names = self.chance.sample((*_FIELDS, *_MORE_FIELDS), self.chance.randrange(6))
        whole = json.dumps({name: self.chance.choice(VALUES) for name in names}).encode()
        return self.mutated(whole) if kind == 2 else whole

    def question(self) -> tuple[dict[str, str], set[str]]:
        """What RabbitMQ asks of the person's device with a wrong password, and which fields of it
        are nonsense, or not there."""
        name, topic = self.person.user_name, up(self.person.account, "bob", "send")
        asked = {
            **dict.fromkeys(("username", "client_id", "variable_map.client_id"), name),
            **{"password": "wrong", "vhost": "/", "resource": "exchange", "name": "amq.topic"},
            **{"permission": "write", "routing_key": topic.replace("/", ".")},
        }
        wrong = set(self.chance.sample(sorted(asked), self.chance.randrange(4)))
        for field in sorted(wrong):
            asked[field] = self.payload()[:60].decode("latin-1")
            if self.chance.random() < 0.1:
                del asked[field]
        return asked, wrong

    # Bytes.

    def packet(self) -> bytes:
        """A good packet with something wrong in it."""
        return self.mutated(self.chance.choice(self._good_packets()))

    def frame(self) -> bytes:
        """Such a packet in a WebSocket's frame; often, something is wrong in that too."""
        first_byte = self.chance.choice(_FIRST_BYTES)
        whole = frame_of(self.packet(), first_byte=first_byte, mask=self.chance.randbytes(4))
        return self.mutated(whole) if self.chance.random() < 0.5 else whole

    def mutated(self, data: bytes) -> bytes:
        """With bits turned, bytes put in, taken out or doubled, or its end cut off."""
        found = bytearray(data)
        for _ in range(self.chance.randrange(1, 4)):
            at = self.chance.randrange(len(found) + 1)
            kind = self.chance.randrange(5)
            if kind == 0 and at < len(found):
                found[at] ^= 1 << self.chance.randrange(8)
            elif kind == 1:
                found[at:at] = self.chance.randbytes(self.chance.randrange(1, 5))
            elif kind == 2:
                del found[at : at + self.chance.randrange(1, 5)]
            elif kind == 3:
                found[at:at] = found[at : at + self.chance.randrange(1, 40)]
            else:
                del found[max(at, 2) :]
        return bytes(found)

    def _good_packets(self) -> Sequence[bytes]:
        who, own = self.person, self.person.receive_filter.encode()
        name = who.user_name.encode()
        topic = up(who.account, "bob", "send").encode()
        answered = b"\x08" + text(own.replace(b"#", b"x")) + b"\x09" + text(b"data")
        properties = b"\x01\x01\x02\0\0\0\x01\x03" + text(b"text/plain") + answered
        return (
            connect_packet(name, name, who.password.encode(), will=(topic, b"will")),
            connect_packet(name, name, who.password.encode(), version=4),
            publish_packet(topic, b"x"),
            publish_packet(topic, self.payload(), properties=properties),
            publish_packet(topic, b"x", qos=2),
            subscribe_packet(own, b"chat/v1/#", properties=b"\x0b\x01"),
            packet(0xA2, b"\0\1\0" + text(own)),
            packet(0x40, b"\0\1\0\0"),
            packet(0x62, b"\0\1"),
            packet(0xE0, b"\x04\x05\x11\0\0\0\0"),
            packet(0xF0, b"\x18\x05\x15\0\x02xx"),
            PING,
            bytes([CONNECT << 4]),
        )
