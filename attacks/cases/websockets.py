"""The browsers' way to the broker: handshakes and frames that no browser makes, and a browser that
a foreign page makes speak."""

import socket
from collections.abc import Callable

from attacks.attack import WEBSOCKET, Door, Seen
from attacks.mqtt import (
    CONNACK,
    FAILURE,
    PING,
    PINGRESP,
    PUBLISH,
    connect_packet,
    frame_of,
    upgrade,
    upgrade_request,
)
from attacks.place import ALICE, BOB, MALLORY, MOSQUITTO, NEWER_MOSQUITTO, Place
from attacks.raw_http import exchange, request
from bridge.framing import variable_length
from chat.topics import down_filter, up

WEBSOCKET_DOOR = Door(WEBSOCKET)
_WITHIN_SECONDS = 5.0


@WEBSOCKET_DOOR.attack("subscribe to another's topics", "refused")
def foreign_topics(place: Place) -> Seen:
    with place.mqtt(websocket=True).open(place.mallory) as mallory:
        answer = mallory.subscribe(down_filter(ALICE))
        return Seen(answer.is_no, str(answer))


@WEBSOCKET_DOOR.attack("publish as another account", "refused, nothing archived")
def foreign_account(place: Place) -> Seen:
    with place.mqtt(websocket=True).open(place.mallory) as mallory:
        answer = mallory.publish(up(ALICE, BOB, "send"), "forged by WebSocket")
    place.check_well()
    archived = place.archived("forged by WebSocket")
    return Seen(answer.is_no and not archived, f"{answer}, {archived} archived")


@WEBSOCKET_DOOR.attack("a foreign page, with no credential but the browser's", "not let in")
def cross_site(place: Place) -> Seen:
    """A browser sends cookies along; the broker takes no notice of them, so that a page which does
    not know a device's password gets nowhere."""
    with socket.create_connection(("127.0.0.1", place.websocket_port), timeout=10) as browser:
        try:
            upgrade(browser, place.websocket_port, origin="https://evil.example")
        except ConnectionError as refusal:
            return Seen(True, f"the handshake: {refusal}")
        name = place.alice.user_name.encode()
        browser.sendall(frame_of(connect_packet(name, name, b"")))
        let_in = _lets_in(browser.recv(64))
        return Seen(not let_in, "let in without a password" if let_in else "refused at CONNECT")


def _lets_in(frame: bytes) -> bool:
    """Whether it begins with a CONNACK that lets one in (MQTT 5.0, section 3.2)."""
    return len(frame) > 5 and frame[2] >> 4 == CONNACK and frame[5] < FAILURE


@WEBSOCKET_DOOR.attack("a handshake without the subprotocol mqtt", "refused, or not let in")
def no_subprotocol(place: Place) -> Seen:
    data = upgrade_request(place.websocket_port, protocol=None)
    stranger = frame_of(connect_packet(b"x", None, None))
    answers = exchange(place.websocket_port, data + stranger, seconds=_WITHIN_SECONDS, is_all=True)
    place.loot.add(answers.raw)
    let_in = _lets_in(answers.raw.partition(b"\r\n\r\n")[2])
    return Seen(not let_in, f"{answers}{', and let in' if let_in else ', not let in'}")


_PATHS = ("/", "/etc/passwd", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd")


@WEBSOCKET_DOOR.attack("files by plain HTTP from the WebSocket's port", "no file")
def files(place: Place) -> Seen:
    said = set()
    for path in _PATHS:
        answers = exchange(
            place.websocket_port, request("GET", path), seconds=_WITHIN_SECONDS, is_all=True
        )
        if answers.status == 200 or b"root:" in answers.raw:
            return Seen(False, f"{path} is answered with {answers.status}")
        said.add(str(answers))
    return Seen(True, " or ".join(sorted(said)))


# Frames by who has come in; the broker goes on talking, or cuts off.
_FRAMES: dict[str, bytes] = {
    "a frame that announces 4 GB": b"\x82\xff" + (1 << 32).to_bytes(8, "big") + b"mask",
    "a frame that is not masked": b"\x82\x02" + PING,
    "a frame of a reserved kind": frame_of(PING, first_byte=0x83),
    "reserved bits": frame_of(PING, first_byte=0xF2),
    "a piece of nothing": frame_of(PING, first_byte=0x80),
    "a control frame of 1 kB": frame_of(b"x" * 1000, first_byte=0x89),
    "text frames": frame_of(PING, first_byte=0x81),
    "a thousand empty frames": frame_of(b"") * 1000 + frame_of(PING),
}


def _framing(data: bytes) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        with place.mqtt(websocket=True).open(place.mallory) as mallory:
            mallory.socket.sendall(data)
            answer = mallory.wait_for(PINGRESP, seconds=1.0)
            return Seen(True, str(answer) if answer.kind != PINGRESP else "taken, talks on")

    return run


for _name, _frames in _FRAMES.items():
    WEBSOCKET_DOOR.add(_name, "any answer, others unharmed", _framing(_frames))


@WEBSOCKET_DOOR.attack(
    "a packet of 256 MB, announced in a small frame",
    "cut off",
    known={MOSQUITTO: "before 2.1 it looks at sizes on TCP alone, and keeps what comes"},
)
def huge_announcement(place: Place) -> Seen:
    with place.mqtt(websocket=True).open(place.mallory) as mallory:
        mallory.send(bytes([PUBLISH << 4]) + variable_length(268_435_455) + b"\0\1x")
        answer = mallory.wait_for(PINGRESP, seconds=_WITHIN_SECONDS)
        return Seen(answer.is_cut_off, str(answer))


@WEBSOCKET_DOOR.attack(
    "an end within a control frame",
    "cut off",
    known={NEWER_MOSQUITTO: "it is not noticed before the keepalive is over"},
)
def half_a_ping(place: Place) -> Seen:
    with place.mqtt(websocket=True).open(place.new_device(MALLORY)) as mallory:
        mallory.send_bytes(frame_of(PING, first_byte=0x89)[:-1])
        mallory.end_sending()
        answer = mallory.wait_for(PINGRESP, seconds=_WITHIN_SECONDS)
        return Seen(answer.is_cut_off, str(answer))


@WEBSOCKET_DOOR.attack("a handshake of 1 MB", "refused or cut off")
def huge_handshake(place: Place) -> Seen:
    head = b"GET /mqtt HTTP/1.1\r\n" + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n"
    answers = exchange(place.websocket_port, head, seconds=_WITHIN_SECONDS, is_all=True)
    return Seen(answers.status != 101, str(answers))
