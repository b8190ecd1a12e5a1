"""What a load client takes for a message."""

import socket
from collections.abc import Iterator

import mqtt5
import pytest

from bench.people import Person
from bench.wire import Wire
from bridge.framing import publish_packet

ALICE = Person(
    account="alice",
    host="127.0.0.1",
    port=0,
    user_name="alice.phone",
    password="",
    send_topic="chat/v1/up/3/alice/{to}/send",
    receive_filter="chat/v1/down/alice/#",
)
MESSAGES = [f"hello {'x' * size}".encode() for size in (0, 100, 115, 1_000, 20_000)]


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    ours, brokers = socket.socketpair()
    wire = Wire(ALICE)
    wire.socket.close()
    ours.setblocking(False)
    wire.socket = ours
    yield wire, brokers
    wire.close()
    brokers.close()


@pytest.mark.parametrize("size", [1, 2, 3, 64, 1_000, 100_000])
def test_messages_are_counted_whatever_they_are_cut_into(
    ends: tuple[Wire, socket.socket], size: int
) -> None:
    wire, brokers = ends
    stream = b"".join(
        publish_packet(topic.encode(), number, message)
        for number, message in enumerate(MESSAGES, start=1)
        for topic in ("chat/v1/down/alice/message", "chat/v1/down/alice/receipt")
    )

    taken = []
    for begin in range(0, len(stream), size):
        brokers.sendall(stream[begin : begin + size])
        taken += wire.messages()

    assert [message[3:] for message in taken] == MESSAGES  # packet id, no properties


def test_what_is_delivered_at_qos_1_is_acknowledged(ends: tuple[Wire, socket.socket]) -> None:
    wire, brokers = ends

    brokers.sendall(publish_packet(b"chat/v1/down/alice/message", 7, b"hello"))
    wire.messages()

    answer, _ = mqtt5.read(memoryview(brokers.recv(100)))
    assert isinstance(answer, mqtt5.PubAckPacket)
    assert answer.packet_id == 7


def test_a_connection_that_ended_is_no_silence(ends: tuple[Wire, socket.socket]) -> None:
    wire, brokers = ends
    brokers.shutdown(socket.SHUT_WR)

    with pytest.raises(ConnectionResetError):
        wire.messages()
