"""Bytes of a connection → MQTT packets, for load clients: a broker's are well made."""

import mqtt5


def whole_packets(data: bytes) -> tuple[list[mqtt5.Packet], bytes]:
    """The packets that have arrived as a whole, and the bytes of the next one."""
    view, used = memoryview(data), 0
    packets = []
    while used < len(view):
        try:
            packet, size = mqtt5.read(view[used:])
        except IndexError:  # the rest of it is still on its way
            break
        used += size
        packets.append(packet)
    return packets, bytes(view[used:])
