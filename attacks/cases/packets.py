"""Packets that no good client sends: out of order, against the standard, or far too large."""

from collections.abc import Callable

from attacks.attack import MQTT, Door, Seen
from attacks.mqtt import (
    CONNACK,
    CONNECT,
    PING,
    PINGRESP,
    PUBLISH,
    Mqtt,
    connect_packet,
    packet,
    publish_packet,
    subscribe_packet,
    text,
)
from attacks.place import BOB, RABBITMQ, Place
from bridge.framing import variable_length
from chat.topics import up

MQTT_DOOR = Door(MQTT)
_REFUSED_OR_CUT = "refused or cut off, others unharmed"


def _own(place: Place, end: bytes = b"") -> bytes:
    return up(place.mallory.account, BOB, "send").encode() + end


def _hello(place: Place, **options: bytes) -> bytes:
    who = place.mallory
    name = who.user_name.encode()
    return connect_packet(name, name, who.password.encode(), **options)  # type: ignore[arg-type]


# What is sent by who has come in.
_INSIDE: dict[str, Callable[[Place], bytes]] = {
    "a second CONNECT": _hello,
    "QoS 3": lambda place: packet(PUBLISH << 4 | 6, text(_own(place)) + b"\0\1\0x"),
    "packet id 0": lambda place: publish_packet(_own(place), b"x", packet_id=0),
    "a topic with +": lambda place: publish_packet(_own(place, b"/+"), b"x"),
    "a topic with #": lambda place: publish_packet(_own(place, b"/#"), b"x"),
    "no topic and no alias": lambda _: publish_packet(b"", b"x"),
    "topic alias 0": lambda place: publish_packet(_own(place), b"x", properties=b"\x23\0\0"),
    "a topic alias beyond the maximum": lambda place: publish_packet(
        _own(place), b"x", properties=b"\x23\xff\xff"
    ),
    "an unknown topic alias": lambda _: publish_packet(b"", b"x", properties=b"\x23\0\1"),
    "a topic with NUL": lambda place: publish_packet(_own(place, b"\0"), b"x"),
    "a topic that is not UTF-8": lambda place: publish_packet(_own(place, b"\xff"), b"x"),
    "a topic with half of a surrogate pair": lambda place: publish_packet(
        _own(place, b"\xed\xa0\x80"), b"x"
    ),
    "a topic longer than its packet": lambda _: packet(PUBLISH << 4, b"\xff\xffabc"),
    "the same property twice": lambda place: publish_packet(
        _own(place), b"x", properties=b"\x01\1\x01\1"
    ),
    "an unknown property": lambda place: publish_packet(_own(place), b"x", properties=b"\x7f\1"),
    "properties longer than their packet": lambda place: packet(
        PUBLISH << 4 | 2, text(_own(place)) + b"\0\1\xff\xff\x7f"
    ),
    "a payload of 300 kB": lambda place: publish_packet(_own(place), b"x" * 300_000),
    "SUBSCRIBE with wrong reserved bits": lambda place: packet(
        0x80, subscribe_packet(place.mallory.receive_filter.encode())[2:]
    ),
    "SUBSCRIBE without a filter": lambda _: packet(0x82, b"\0\1\0"),
    "a packet of the reserved type 0": lambda _: b"\x00\x00",
    "a packet that only brokers send": lambda _: b"\x20\x03\0\0\0",
    "AUTH that nobody asked for": lambda _: b"\xf0\x02\x18\x00",
    "a length of 5 bytes": lambda _: b"\x30\xff\xff\xff\xff\x01",
}


def _inside(what: Callable[[Place], bytes]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        with place.mqtt().open(place.mallory) as mallory:
            answer = mallory.is_cut_off_after(what(place))
            return Seen(answer.is_no, str(answer))

    return run


# RabbitMQ is no stricter than it has to be; what it hands on is an own message, or `malformed`.
_TAKEN_BY_RABBITMQ = (
    "packet id 0",
    "a topic with +",
    "a topic with #",
    "no topic and no alias",
    "a topic with NUL",
    "a topic that is not UTF-8",
    "a topic with half of a surrogate pair",
    "the same property twice",
)
for _name, _what in _INSIDE.items():
    _known = {RABBITMQ: "harmless"} if _name in _TAKEN_BY_RABBITMQ else {}
    MQTT_DOOR.add(_name, "cut off, others unharmed", _inside(_what), known=_known)


def _harmless(what: Callable[[Place], bytes]) -> Callable[[Place], Seen]:
    """Not against the standard; answered in any way, as long as nobody is harmed."""

    def run(place: Place) -> Seen:
        with place.mqtt().open(place.mallory) as mallory:
            answer = mallory.is_cut_off_after(what(place))
            return Seen(answer.kind is not None or answer.is_cut_off, _talks_or(str(answer)))

    return run


def _talks_or(says: str) -> str:
    return "taken, talks on" if says == "taken" else says


_HARMLESS: dict[str, Callable[[Place], bytes]] = {
    "DUP at QoS 0": lambda place: packet(PUBLISH << 4 | 8, text(_own(place)) + b"\0x"),
    "a topic of 65,535 bytes": lambda place: publish_packet(
        _own(place, b"/").ljust(65_535, b"x"), b"x"
    ),
    "a topic of 60,000 levels": lambda place: publish_packet(_own(place) + b"/" * 60_000, b"x"),
    "PUBACK for what was never sent": lambda _: b"\x40\x02\x12\x34",
    "ten thousand PINGREQ at once": lambda _: PING * 10_000,
    "a thousand user properties": lambda place: publish_packet(
        _own(place), b"x", properties=(b"\x26" + text(b"k") + text(b"v")) * 1_000
    ),
    "UNSUBSCRIBE from another's topics": lambda _: packet(
        0xA2, b"\0\1\0" + text(b"chat/v1/down/bob/#")
    ),
}
for _name, _what in _HARMLESS.items():
    MQTT_DOOR.add(_name, "answered, others unharmed", _harmless(_what))


# What is sent by who has not come in.
_OUTSIDE: dict[str, Callable[[Place], bytes]] = {
    "PUBLISH before CONNECT": lambda place: publish_packet(_own(place), b"x"),
    "SUBSCRIBE before CONNECT": lambda _: subscribe_packet(b"#"),
    "PING before CONNECT": lambda _: PING,
    "an unknown protocol name": lambda _: packet(0x10, text(b"MQXX") + b"\5\2\0\0\0" + text(b"x")),
    "protocol version 99": lambda _: packet(0x10, text(b"MQTT") + b"\x63\2\0\0\0" + text(b"x")),
    "the reserved flag of CONNECT": lambda _: packet(
        0x10, text(b"MQTT") + b"\5\x03\0\0\0" + text(b"x")
    ),
    "a will of QoS 3": lambda _: packet(0x10, text(b"MQTT") + b"\5\x1e\0\0\0" + text(b"x")),
    "a receive maximum of 0": lambda place: _hello(place, properties=b"\x21\0\0"),
    "a maximum packet size of 0": lambda place: _hello(place, properties=b"\x27\0\0\0\0"),
    "a client id of 65,535 bytes": lambda place: connect_packet(
        b"c" * 65_535, place.mallory.user_name.encode(), place.mallory.password.encode()
    ),
    "a method of authentication that is not there": lambda place: _hello(
        place, properties=b"\x15" + text(b"SCRAM")
    ),
    "TLS on a plain port": lambda _: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 600,
    "HTTP instead of MQTT": lambda _: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"x" * 600,
}


def _outside(what: Callable[[Place], bytes]) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        with place.mqtt() as stranger:
            stranger.send(what(place))
            stranger.end_sending()
            answer = stranger.wait_for(CONNACK)
            return Seen(answer.is_no, str(answer))

    return run


for _name, _what in _OUTSIDE.items():
    MQTT_DOOR.add(_name, _REFUSED_OR_CUT, _outside(_what))


@MQTT_DOOR.attack("the announcement of a packet of 256 MB", "cut off at once, nothing set aside")
def huge_announcement(place: Place) -> Seen:
    before = sum(place.memory_bytes().values())
    with place.mqtt().open(place.mallory) as mallory:
        mallory.send(bytes([PUBLISH << 4]) + variable_length(268_435_455) + text(_own(place)))
        answer = mallory.wait_for(PINGRESP, seconds=5.0)
        grown = sum(place.memory_bytes().values()) - before
        return Seen(answer.is_cut_off and grown < 50_000_000, str(answer))


@MQTT_DOOR.attack("a CONNECT of 256 MB by a stranger", "cut off at once, nothing set aside")
def huge_connect(place: Place) -> Seen:
    before = sum(place.memory_bytes().values())
    with place.mqtt() as stranger:
        stranger.send(bytes([CONNECT << 4]) + variable_length(268_435_455) + text(b"MQTT") + b"\5")
        answer = _until_cut_off(stranger)
        grown = sum(place.memory_bytes().values()) - before
        return Seen(answer and grown < 50_000_000, "cut off" if answer else "still waited for")


def _until_cut_off(stranger: Mqtt) -> bool:
    return stranger.wait_for(CONNACK, seconds=5.0).is_cut_off
