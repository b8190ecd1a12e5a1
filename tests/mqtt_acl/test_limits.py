"""The brokers' own limits, as set on purpose in `mosquitto.conf` and `deploy/rabbitmq.conf`: what
is just within is taken, what is just beyond is not."""

import contextlib
from collections.abc import Iterator

import pytest

from attacks.mqtt import CONNACK, PUBACK, Mqtt, answer_from, connect_packet, publish_packet
from bridge.framing import frames
from chat.topics import down, down_filter, shard_of, up
from chat.user_names import bridge_user_name
from mqtt_acl.issuer import Credentials
from tests.mqtt import Client
from tests.rabbitmq import RabbitInstallation
from tests.running import Installation

LARGEST_PACKET_BYTES = 262_144
ALIASES = 16
LONGEST_SILENCE_SECONDS = 65_535
KEPT_SECONDS = 30 * 86_400
ON_THEIR_WAY = 1_000
# MQTT 5.0, section 2.2.2.2.
SESSION_EXPIRY, SERVER_KEEP_ALIVE, TOPIC_ALIAS_MAXIMUM, TOPIC_ALIAS = 0x11, 0x13, 0x22, 0x23
RECEIVE_MAXIMUM, MAXIMUM_PACKET_SIZE = 0x21, 0x27
_SIZES = {SESSION_EXPIRY: 4, SERVER_KEEP_ALIVE: 2, TOPIC_ALIAS_MAXIMUM: 2, RECEIVE_MAXIMUM: 2}
_SIZES |= {MAXIMUM_PACKET_SIZE: 4, 0x24: 1, 0x25: 1, 0x28: 1, 0x29: 1, 0x2A: 1}


class Ungrateful(Mqtt):
    """Acknowledges nothing."""

    def _acknowledge(self, frame: bytes) -> None:
        pass


class Alice:
    """Her device at one of the brokers, on a connection made byte by byte."""

    def __init__(self, place: Installation, *, websocket: bool = False, version: int = 5) -> None:
        self.place, self.version = place, version
        self.device = place.new_device("alice")
        settings = place.settings
        port = settings.websocket_port if websocket else settings.mqtt_port
        self.mqtt = Ungrateful(port, websocket=websocket, version=version)

    def connect(self, *, properties: bytes = b"", keep_alive_seconds: int = 60) -> dict[int, int]:
        """What CONNACK says of limits, by the number of the property. Raises ConnectionError."""
        name = self.device.user_name.encode()
        said = connect_packet(
            name,
            name,
            self.device.password.encode(),
            version=self.version,
            properties=properties,
            keep_alive_seconds=keep_alive_seconds,
        )
        self.mqtt.send(said)
        connack = self._first_packet()
        if (answer := answer_from(connack)).kind != CONNACK or answer.is_no:
            raise ConnectionError(str(answer))
        return dict(limits_in(connack[5:]))

    def publish_of(self, remaining_bytes: int) -> str:
        """What comes to a message whose packet is so long behind its fixed header."""
        topic = up("alice", "bob", "typing").encode()
        fixed = len(publish_packet(topic, b"")) - 2
        said = publish_packet(topic, b"x" * (remaining_bytes - fixed))
        return str(self.mqtt.ask(said, PUBACK))

    def publish_with_alias(self, alias: int) -> str:
        topic = up("alice", "bob", "typing").encode()
        property_ = bytes([TOPIC_ALIAS]) + alias.to_bytes(2, "big")
        return str(self.mqtt.ask(publish_packet(topic, b"", properties=property_), PUBACK))

    def _first_packet(self) -> bytes:
        data = b""
        while not (whole := list(frames(memoryview(data)))):
            more = self.mqtt.socket.recv(1 << 16)
            if not more:
                raise ConnectionError("cut off")
            data += more
        begin, end = whole[0]
        return data[begin:end]


def limits_in(properties: bytes) -> Iterator[tuple[int, int]]:
    """Of those that are numbers, and come before the first that is not."""
    at = 0
    while at < len(properties) and properties[at] in _SIZES:
        end = at + 1 + _SIZES[properties[at]]
        yield properties[at], int.from_bytes(properties[at + 1 : end], "big")
        at = end


@pytest.fixture
def alice(any_broker: Installation) -> Iterator[Alice]:
    alice = Alice(any_broker)
    with contextlib.closing(alice.mqtt):
        yield alice


def test_a_packet_may_be_of_256_kib_and_the_client_is_told(alice: Alice) -> None:
    assert alice.connect()[MAXIMUM_PACKET_SIZE] == LARGEST_PACKET_BYTES
    assert alice.publish_of(LARGEST_PACKET_BYTES - 4) == "taken"

    assert alice.publish_of(LARGEST_PACKET_BYTES + 1) == "cut off with 0x95"


def test_sixteen_topics_may_have_a_number_and_the_client_is_told(alice: Alice) -> None:
    assert alice.connect()[TOPIC_ALIAS_MAXIMUM] == ALIASES
    assert alice.publish_with_alias(ALIASES) == "taken"

    assert alice.publish_with_alias(ALIASES + 1) == "cut off with 0x94"


@pytest.mark.parametrize("websocket", [False, True], ids=["tcp", "websocket"])
def test_so_it_is_at_every_door(any_broker: Installation, websocket: bool) -> None:
    alice = Alice(any_broker, websocket=websocket)
    with contextlib.closing(alice.mqtt):
        assert alice.mqtt.ask(b"\xc0\x00", CONNACK).is_cut_off  # PING before CONNECT
    alice = Alice(any_broker, websocket=websocket)
    name, password = alice.device.user_name, alice.device.password
    with contextlib.closing(alice.mqtt):
        said = connect_packet(name.encode(), name.encode(), password.encode())
        assert str(alice.mqtt.ask(said, CONNACK)) == "taken"
        assert alice.publish_with_alias(ALIASES + 1) == "cut off with 0x94"


def test_a_thousand_messages_are_on_their_way_before_the_first_is_acknowledged(
    any_broker: Installation, alice: Alice
) -> None:
    any_broker.kill("bridge")
    # At mosquitto, who asks for more has more, within the same bytes.
    asks = isinstance(any_broker, RabbitInstallation)
    for_more = bytes([RECEIVE_MAXIMUM]) + (0xFFFF).to_bytes(2, "big")
    try:
        alice.connect(properties=for_more if asks else b"")
        alice.mqtt.subscribe(down_filter("alice"))
        name = bridge_user_name(shard_of("alice"))
        bridge = Credentials("-", name, any_broker.secrets.bridge_password)
        with Client(any_broker.settings, bridge, clean=False) as deliverer:
            for number in range(ON_THEIR_WAY + 1):
                deliverer.begin_publishing(down("alice", "receipt"), str(number))
            deliverer.publish(down("alice", "receipt"), "the last")

        assert alice.mqtt.hears(f"{ON_THEIR_WAY - 1}".encode())
        assert not alice.mqtt.hears(b"the last", seconds=1)
        assert len(alice.mqtt.published) == ON_THEIR_WAY
    finally:
        any_broker.start("bridge")


@pytest.mark.parametrize("version", [5, 4], ids=["mqtt5", "mqtt311"])
@pytest.mark.parametrize("seconds", [0, LONGEST_SILENCE_SECONDS])
def test_who_wants_to_be_silent_for_long_or_without_end_is_let_in(
    any_broker: Installation, version: int, seconds: int
) -> None:
    alice = Alice(any_broker, version=version)
    with contextlib.closing(alice.mqtt):
        alice.connect(keep_alive_seconds=seconds)


@pytest.mark.cluster
@pytest.mark.parametrize("any_broker", ["rabbitmq-4.3"], indirect=True)
class TestRabbitMQ:
    def test_a_session_is_kept_for_a_month_and_the_client_is_told(self, alice: Alice) -> None:
        asked = bytes([SESSION_EXPIRY]) + (KEPT_SECONDS + 1).to_bytes(4, "big")

        assert alice.connect(properties=asked)[SESSION_EXPIRY] == KEPT_SECONDS

    def test_who_says_nothing_is_let_go(self, any_broker: Installation) -> None:
        with Mqtt(any_broker.settings.mqtt_port) as silent:
            assert silent.everything(seconds=60) == b""
            assert silent.is_over

    def test_a_frame_of_more_than_a_megabyte_is_not_waited_for(
        self, any_broker: Installation
    ) -> None:
        with Mqtt(any_broker.settings.websocket_port, websocket=True) as stranger:
            stranger.socket.sendall(b"\x82\xff" + (1_048_577).to_bytes(8, "big") + b"mask")

            stranger.everything()
            assert stranger.is_over

    def test_what_waits_for_a_device_has_a_limit_and_what_waits_for_a_bridge_has_none(
        self, any_broker: RabbitInstallation
    ) -> None:
        device = any_broker.new_device("alice")
        with Client(any_broker.settings, device, clean=False) as away:
            away.subscribe(down_filter("alice"))

        def limits(user_name: str) -> tuple[int, ...]:
            policy = any_broker.policy_of(user_name)
            return tuple(policy.get(name, 0) for name in ("max-length", "max-length-bytes"))

        assert limits(device.user_name) == (1_000_000, 134_217_728)
        assert limits(bridge_user_name(shard_of("alice"))) == (0, 0)
