"""Bytes of a connection → whole packets; what can be told of one that the codec cannot read; and
packets that are put together without it.

Pure. The codec finds a packet's end by itself, but only where it can read it: one strange packet
must not take the others with it.
"""

from collections.abc import Iterator

import mqtt5

PUBLISH = 3  # MQTT 5.0, section 2.1.2: the type, in the first byte's upper half
# Properties of a PUBLISH (MQTT 5.0, section 3.3.2.3): how many bytes follow, or how many parts that
# begin with their length: content type, response topic, correlation data, a user property.
_SIZES = {0x01: 1, 0x02: 4, 0x23: 2}
_PARTS = {0x03: 1, 0x08: 1, 0x09: 1, 0x26: 2}
_CORRELATION_DATA, _SUBSCRIPTION_IDENTIFIER = 0x09, 0x0B


def frames(buffer: memoryview) -> Iterator[tuple[int, int]]:
    """Begin and end of each whole packet in the buffer (MQTT 5.0, section 2.1.4)."""
    start, size = 0, len(buffer)
    while size - start >= 2:
        length, shift, position = 0, 0, start + 1
        while True:
            if position >= size:
                return
            byte = buffer[position]
            length |= (byte & 0x7F) << shift
            position += 1
            shift += 7
            if byte < 0x80:
                break
        end = position + length
        if end > size:
            return
        yield start, end
        start = end


def decoded(frame: memoryview) -> mqtt5.Packet | None:
    """The packet; None when the codec cannot read it. Version 0.8 even panics on a string that is
    not UTF-8, with an exception that is no `Exception`, and writes a page about it to our log: so
    one that is none, as RabbitMQ hands it on in topics and properties, does not get there."""
    if frame[0] >> 4 == PUBLISH and not _has_readable_strings(frame):
        return None
    try:
        return mqtt5.read(frame)[0]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return None


def packet_id_of_publish(frame: memoryview) -> int | None:
    """MQTT 5.0, section 3.3.2: the topic with its length, then the packet id, if QoS is not 0."""
    if not frame[0] & 0b0110:
        return None
    id_at = _topic_of_publish(frame).stop
    return int.from_bytes(frame[id_at : id_at + 2])


def _has_readable_strings(frame: memoryview) -> bool:
    """Whether topic and properties of a PUBLISH are UTF-8; of what is cut short, true."""
    try:
        topic = _topic_of_publish(frame)
        str(frame[topic], "utf-8")
        properties_at = topic.stop + (2 if frame[0] & 0b0110 else 0)
        if frame[properties_at]:  # most have none
            for each in _strings_of_properties(frame, properties_at):
                str(each, "utf-8")
    except UnicodeDecodeError:
        return False
    except IndexError:
        return True
    return True


def _strings_of_properties(frame: memoryview, at: int) -> Iterator[memoryview]:
    """Each that must be UTF-8 (MQTT 5.0, section 3.3.2.3); `at` is where their length stands."""
    size, at = _variable_length_at(frame, at)
    end = at + size
    while at < end:
        kind, at = frame[at], at + 1
        if kind == _SUBSCRIPTION_IDENTIFIER:
            _, at = _variable_length_at(frame, at)
        at += _SIZES.get(kind, 0)
        for _ in range(_PARTS.get(kind, 0)):
            length = int.from_bytes(frame[at : at + 2])
            if kind != _CORRELATION_DATA:
                yield frame[at + 2 : at + 2 + length]
            at += 2 + length


def _variable_length_at(frame: memoryview, at: int) -> tuple[int, int]:
    """What it says, and where it ends (MQTT 5.0, section 1.5.5)."""
    length, shift = frame[at] & 0x7F, 7
    while frame[at] >= 0x80:
        at += 1
        length |= (frame[at] & 0x7F) << shift
        shift += 7
    return length, at + 1


def _topic_of_publish(frame: memoryview) -> slice:
    """Where it stands."""
    position = 1
    while frame[position] >= 0x80:
        position += 1
    topic_at = position + 3
    return slice(topic_at, topic_at + (frame[position + 1] << 8 | frame[position + 2]))


def publish_packet(
    topic: bytes, packet_id: int, payload: bytes, *, properties: bytes = b"\0"
) -> bytes:
    """PUBLISH at QoS 1 (MQTT 5.0, section 3.3). `properties` begin with their length."""
    head = len(topic).to_bytes(2, "big") + topic + packet_id.to_bytes(2, "big")
    body = b"".join((head, properties, payload))
    return b"\x32" + variable_length(len(body)) + body


def variable_length(size: int) -> bytes:
    """A length as packets and properties begin with (MQTT 5.0, section 1.5.5)."""
    encoded = bytearray()
    while True:
        size, digit = size >> 7, size & 0x7F
        encoded.append(digit | 0x80 * (size > 0))
        if not size:
            return bytes(encoded)
