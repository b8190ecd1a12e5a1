"""Packets found in a stream of bytes, also when one of them cannot be read."""

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.framing import decoded, frames, packet_id_of_publish


def publish(topic: str, *, qos: mqtt5.QoS = mqtt5.QoS.AT_LEAST_ONCE, size: int = 5) -> bytes:
    packet_id = None if qos == mqtt5.QoS.AT_MOST_ONCE else 0x1234
    return mqtt5.PublishPacket(topic, b"x" * size, qos=qos, packet_id=packet_id).write()


@given(st.lists(st.sampled_from([0, 5, 200, 20_000]), max_size=5), st.integers(0, 30))
def test_whole_packets_are_found_and_a_part_waits(sizes: list[int], cut: int) -> None:
    packets = [publish("chat/x", size=size) for size in sizes]
    stream = b"".join(packets)
    part = publish("chat/x", size=100)[:cut]

    found = [stream[start:end] for start, end in frames(memoryview(stream + part))]

    assert found == packets


def test_what_is_no_text_is_not_read_but_can_still_be_acknowledged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    strange = publish("chat/AA/x").replace(b"AA", b"\xff\xfe")

    assert decoded(memoryview(strange)) is None
    assert packet_id_of_publish(memoryview(strange)) == 0x1234
    assert capfd.readouterr().err == ""  # anybody could fill the log otherwise


def test_a_topic_and_a_payload_in_any_script_are_read() -> None:
    packet = decoded(memoryview(publish("chat/ж").replace(b"xxxxx", "жж".encode() + b"\xff")))

    assert isinstance(packet, mqtt5.PublishPacket)
    assert packet.topic == "chat/ж"


def test_the_packet_id_is_found_in_long_packets_and_missing_at_qos_0() -> None:
    assert packet_id_of_publish(memoryview(publish("chat/x", size=20_000))) == 0x1234
    assert packet_id_of_publish(memoryview(publish("x", qos=mqtt5.QoS.AT_MOST_ONCE))) is None


def test_a_right_packet_is_read() -> None:
    packet = decoded(memoryview(publish("chat/x")))

    assert isinstance(packet, mqtt5.PublishPacket)
    assert (packet.topic, packet.packet_id) == ("chat/x", 0x1234)
