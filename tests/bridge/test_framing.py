"""Packets found in a stream of bytes, also when one of them cannot be read."""

import mqtt5
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.framing import (
    decoded,
    frames,
    packet_id_of_publish,
    publish_packet,
    variable_length,
)


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


# MQTT 5.0, section 3.3.2.3: content type, response topic, correlation data, a user property.
part = st.binary(max_size=20).map(lambda data: len(data).to_bytes(2) + data)
property_of_publish = st.one_of(
    part.map(lambda one: b"\x03" + one),
    part.map(lambda one: b"\x08" + one),
    part.map(lambda one: b"\x09" + one),
    st.tuples(part, part).map(lambda both: b"\x26" + b"".join(both)),
    st.sampled_from([b"\x01\x01", b"\x02\xff\xff\xff\xff", b"\x23\0\x01", b"\x0b\x80\x01"]),
    st.binary(max_size=5),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(property_of_publish, max_size=4).map(b"".join))
def test_properties_that_are_no_text_do_not_fill_the_log(
    capfd: pytest.CaptureFixture[str], properties: bytes
) -> None:
    strange = publish_packet(
        b"chat/x", 0x1234, b"text", properties=variable_length(len(properties)) + properties
    )

    decoded(memoryview(strange))

    assert capfd.readouterr().err == ""
    assert packet_id_of_publish(memoryview(strange)) == 0x1234


@pytest.mark.parametrize("kind", [b"\x03\0\x02", b"\x08\0\x02", b"\x26\0\x01x\0\x02"])
def test_a_property_that_is_no_text_is_not_read_and_one_that_is_text_is(kind: bytes) -> None:
    def with_property(value: bytes) -> mqtt5.Packet | None:
        whole = kind + value
        head = variable_length(len(whole)) + whole
        return decoded(memoryview(publish_packet(b"chat/x", 1, b"text", properties=head)))

    assert with_property(b"\xff\xfe") is None
    assert isinstance(with_property("ж".encode()), mqtt5.PublishPacket)


def test_correlation_data_may_be_any_bytes() -> None:
    whole = b"\x09\0\x02\xff\xfe"
    head = variable_length(len(whole)) + whole

    packet = decoded(memoryview(publish_packet(b"chat/x", 1, b"text", properties=head)))

    assert isinstance(packet, mqtt5.PublishPacket)
    assert packet.correlation_data == b"\xff\xfe"


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
