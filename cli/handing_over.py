"""Sessions that another broker kept are given to a mosquitto behind closed doors.

By MQTT alone, since each broker knows only its own file. As each client in turn: subscribe, have
what waits published, and unsubscribe again, so that nobody gets what waits for another; at the end
all subscribe for good. After a start that was broken off, some of it comes twice.
"""

import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import mqtt5

from bridge.framing import decoded, frames, publish_packet
from chat.errors import KatydidError
from cli.kept_sessions import KeptSession, Waiting

T = TypeVar("T")

_ANSWER_WITHIN_SECONDS = 30.0
# On their way at one time; mosquitto.conf lets twice as many.
_WINDOW = 500
_FAILURE = 0x80
# Who publishes: no device and no bridge has such a name.
_PUBLISHER = "_handing-over"


class HandingOverFailed(KatydidError):
    """The broker did not take what was kept for its clients."""

    def __init__(self, problem: str) -> None:
        self.problem = f"what waits cannot be handed over: {problem}"
        super().__init__(f"{self.problem}.")


def hand_over(sessions: Sequence[KeptSession], socket_path: Path) -> None:
    """To the mosquitto that lets anybody in at that socket. Raises HandingOverFailed."""
    try:
        with _Connection(socket_path, _PUBLISHER, clean=True) as publisher:
            for session in sessions:
                with _Connection(socket_path, session.client_id, session.expiry_seconds) as client:
                    client.subscribe(session.filters)
                    publisher.publish_all(session.waiting)
                    client.unsubscribe(session.filters)
        for session in sessions:
            with _Connection(socket_path, session.client_id, session.expiry_seconds) as client:
                client.subscribe(session.filters)
    except OSError as error:
        raise HandingOverFailed(str(error) or type(error).__name__) from None


class _Connection:
    """One client's. What comes down is left without acknowledgement, so it still waits."""

    def __init__(
        self, socket_path: Path, client_id: str, expiry_seconds: int = 0, *, clean: bool = False
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_ANSWER_WITHIN_SECONDS)
        self._socket.connect(str(socket_path))
        self._buffer = b""
        connect = mqtt5.ConnectPacket(
            client_id,
            clean_start=clean,
            session_expiry_interval=expiry_seconds,
            receive_max=1,  # the others need not even be sent
        )
        self._socket.sendall(connect.write())
        connack = self._wait_for(mqtt5.ConnAckPacket)
        if int(connack.reason_code) >= _FAILURE:
            raise HandingOverFailed(f"{client_id} is not let in: {connack.reason_code!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        with self._socket:
            self._socket.sendall(mqtt5.DisconnectPacket().write())

    def subscribe(self, filters: dict[str, int]) -> None:
        """With the options of each."""
        if not filters:
            return
        wanted = [
            mqtt5.TopicFilter(
                pattern, max_qos=mqtt5.QoS(options & 0b11), no_local=bool(options & 0b100)
            )
            for pattern, options in filters.items()
        ]
        self._socket.sendall(mqtt5.SubscribePacket(1, wanted).write())
        self._wait_for(mqtt5.SubAckPacket)

    def unsubscribe(self, filters: dict[str, int]) -> None:
        if filters:
            self._socket.sendall(mqtt5.UnsubscribePacket(2, list(filters)).write())
            self._wait_for(mqtt5.UnsubAckPacket)

    def publish_all(self, messages: Sequence[Waiting]) -> None:
        """In their order; returns when the broker has all."""
        for begin in range(0, len(messages), _WINDOW):
            some = messages[begin : begin + _WINDOW]
            packets = (
                publish_packet(each.topic, number, each.payload, properties=each.properties)
                for number, each in enumerate(some, start=1)
            )
            self._socket.sendall(b"".join(packets))
            for _ in some:
                self._wait_for(mqtt5.PubAckPacket)

    def _wait_for(self, kind: type[T]) -> T:
        """The next packet of that kind; others are passed over."""
        while True:
            view, used = memoryview(self._buffer), 0
            for begin, used in frames(view):
                packet = decoded(view[begin:used])
                if isinstance(packet, kind):
                    self._buffer = bytes(view[used:])
                    return packet
            self._buffer = bytes(view[used:])
            data = self._socket.recv(65_536)
            if not data:
                raise HandingOverFailed("the broker ended the connection")
            self._buffer += data
