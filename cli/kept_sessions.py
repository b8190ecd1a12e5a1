"""What mosquitto keeps for who is away, read from either of its two files.

`mosquitto.db` is what it writes every so often, in a format of its own (version 6, of mosquitto 2.0
and 2.1); `mosquitto.sqlite3` belongs to its plugin persist-sqlite. Each can be read by the one
broker alone; so what must not be lost when the other takes over is read here. Pure reading.
"""

import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.framing import variable_length
from chat.errors import KatydidError

_MAGIC = b"\x00\xb5\x00mosquitto db"
_VERSION = 6
# Each chunk: what its fixed part looks like, as mosquitto has it in memory. Numbers are in network
# order, but for the store's id and the time of expiry, which are the machine's.
_CHUNK = struct.Struct(">II")
_MESSAGE, _WAITING, _SUBSCRIPTION, _CLIENT = 2, 3, 5, 6
_FIXED_BYTES = {_MESSAGE: 32, _WAITING: 16, _SUBSCRIPTION: 12, _CLIENT: 24}
_OUT = 1
# Of QoS 2: the receiver has the message, and only its end is not agreed upon yet.
_HAD_ALREADY = (6, 9)
# MQTT 5.0, section 2.2.2.2: name in mosquitto's JSON → identifier and type.
_PROPERTIES = {
    "payload-format-indicator": (0x01, "byte"),
    "content-type": (0x03, "text"),
    "response-topic": (0x08, "text"),
    "correlation-data": (0x09, "hex"),
    "user-property": (0x26, "pair"),
}


class StateUnreadable(KatydidError):
    """What a broker kept is not a whole file of that kind."""


@dataclass(frozen=True)
class Waiting:
    """A message as it was published; `properties` are as they go over the wire, with their
    length."""

    topic: bytes
    payload: bytes
    qos: int
    properties: bytes


@dataclass
class KeptSession:
    """One client's: filters with their options (MQTT 5.0, section 3.8.3.1), and what waits."""

    client_id: str
    expiry_seconds: int
    filters: dict[str, int] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)


def read_sessions(file: Path) -> list[KeptSession]:
    """All sessions of the file, which tells by its name what it is. Raises StateUnreadable."""
    try:
        if file.suffix == ".sqlite3":
            return list(_of_sqlite(file).values())
        return list(_of_snapshot(file.read_bytes()).values())
    except (sqlite3.Error, struct.error, ValueError, KeyError, IndexError) as error:
        raise StateUnreadable(f"{file} cannot be read: {error or type(error).__name__}") from None


# mosquitto.db


def _of_snapshot(data: bytes) -> dict[str, KeptSession]:
    sessions: dict[str, KeptSession] = {}
    messages: dict[bytes, Waiting] = {}
    for kind, fixed, rest in _chunks(data):
        if kind == _CLIENT:
            expiry, _, id_size = struct.unpack_from(">IHH", fixed, 8)
            client_id = rest[:id_size].decode()
            sessions[client_id] = KeptSession(client_id, expiry)
        elif kind == _MESSAGE:
            messages[fixed[:8]] = _message(fixed, rest)
        elif kind == _WAITING:
            [id_size] = struct.unpack_from(">H", fixed, 10)
            qos, state, _, direction = fixed[12:16]
            if direction == _OUT and state not in _HAD_ALREADY:
                message = messages[fixed[:8]]
                sessions[rest[:id_size].decode()].waiting.append(
                    Waiting(message.topic, message.payload, qos, message.properties)
                )
        elif kind == _SUBSCRIPTION:
            _, id_size, size = struct.unpack_from(">IHH", fixed)
            client_id, qos, options = rest[:id_size].decode(), fixed[8], fixed[9]
            sessions[client_id].filters[rest[id_size:][:size].decode()] = options & 0xFC | qos
    return sessions


def _chunks(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Kind, fixed part and the rest of each."""
    header = len(_MAGIC)
    if not data.startswith(_MAGIC) or struct.unpack_from(">II", data, header)[1] != _VERSION:
        raise ValueError("it is none of version 6")
    position = header + 8
    while position < len(data):
        kind, size = _CHUNK.unpack_from(data, position)
        begin = position + _CHUNK.size
        position = begin + size
        if position > len(data):
            raise ValueError("its end is missing")
        if kind in _FIXED_BYTES:
            split = begin + _FIXED_BYTES[kind]
            yield kind, data[begin:split], data[split:position]


def _message(fixed: bytes, rest: bytes) -> Waiting:
    payload_size, _, id_size, name_size, topic_size = struct.unpack_from(">IHHHH", fixed, 16)
    topic_at = id_size + name_size
    payload_at = topic_at + topic_size
    end = payload_at + payload_size
    return Waiting(
        rest[topic_at:payload_at], rest[payload_at:end], fixed[30], rest[end:] or b"\x00"
    )


# mosquitto.sqlite3


def _of_sqlite(file: Path) -> dict[str, KeptSession]:
    with closing(sqlite3.connect(file)) as connection:
        clients = connection.execute("SELECT client_id, session_expiry_interval FROM clients")
        sessions = {id: KeptSession(id, expiry & 0xFFFFFFFF) for id, expiry in clients}
        subscriptions = "SELECT client_id, topic, subscription_options FROM subscriptions"
        for client_id, topic, options in connection.execute(subscriptions):
            if client_id in sessions:
                sessions[client_id].filters[topic] = options
        waiting = connection.execute(
            "SELECT client_msgs.client_id, client_msgs.qos, topic, payload, properties"
            " FROM client_msgs JOIN base_msgs USING (store_id)"
            " WHERE direction = ? AND state NOT IN (?, ?) ORDER BY client_msgs.rowid",
            [_OUT, *_HAD_ALREADY],
        )
        for client_id, qos, topic, payload, properties in waiting:
            if client_id in sessions:
                wire = _as_on_the_wire(json.loads(properties) if properties else [])
                message = Waiting(str(topic).encode(), payload or b"", qos, wire)
                sessions[client_id].waiting.append(message)
        return sessions


def _as_on_the_wire(properties: list[dict[str, Any]]) -> bytes:
    body = b"".join(
        _encoded(*_PROPERTIES[each["identifier"]], each)
        for each in properties
        if each["identifier"] in _PROPERTIES
    )
    return variable_length(len(body)) + body


def _encoded(identifier: int, kind: str, said: dict[str, Any]) -> bytes:
    value = said["value"]
    if kind == "byte":
        return bytes((identifier, int(value)))
    if kind == "hex":
        return bytes((identifier,)) + _with_length(bytes.fromhex(value))
    texts = [said["name"], value] if kind == "pair" else [value]
    return bytes((identifier,)) + b"".join(_with_length(text.encode()) for text in texts)


def _with_length(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data
