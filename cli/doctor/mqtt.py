"""One MQTT connection of a doctor, over TCP, TLS or WebSocket, MQTT 5 or 3.1.1, with answers that
are waited for.

A stock client (paho): what is found out with it holds for any other. Every wait has an end; what
does not come is NoAnswer, which says what was waited for.
"""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from chat.errors import KatydidError

Version = Literal["5", "3.1.1"]
VERSIONS: tuple[Version, ...] = ("5", "3.1.1")
ANSWER_WITHIN_SECONDS = 5.0
_VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
# MQTT 5.0, section 2.4: reason codes from here on are failures. In MQTT 3.1.1, SUBACK alone has it.
FAILURE = 0x80


class NoAnswer(KatydidError):
    """Something did not come in time."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} did not come within {seconds:.0f} s.")
        self.what = what


@dataclass(frozen=True)
class Place:
    """Where a broker listens; `path` is that of a WebSocket."""

    host: str
    port: int
    tls: bool = False
    path: str | None = None

    @classmethod
    def of_websocket(cls, url: str) -> "Place":
        """The place that a `ws://` or `wss://` URL names."""
        parts = urlsplit(url)
        tls = parts.scheme == "wss"
        return cls(parts.hostname or "", parts.port or (443 if tls else 80), tls, parts.path or "/")

    def __str__(self) -> str:
        kind = "WebSocket" if self.path else "TCP"
        return f"{self.host} port {self.port} ({kind}{' with TLS' if self.tls else ''})"


@dataclass(frozen=True)
class Credential:
    """What a device connects with; its client id is its user name, unless somebody tries."""

    account: str
    user_name: str
    password: str


class Connection:
    """One connection; `with` opens it, and expects that it is let in."""

    def __init__(
        self,
        place: Place,
        credential: Credential | None,
        *,
        version: Version = "5",
        client_id: str | None = None,
        will: tuple[str, bytes] | None = None,
        keeps_session: bool = False,
    ) -> None:
        self._place, self._version, self._keeps_session = place, version, keeps_session
        user_name = credential.user_name if credential else "nobody"
        is_5 = version == "5"
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or user_name,
            protocol=_VERSIONS[version],
            reconnect_on_failure=False,
            transport="websockets" if place.path else "tcp",
            clean_session=None if is_5 else not keeps_session,
        )
        self._client.connect_timeout = ANSWER_WITHIN_SECONDS
        if place.path:
            self._client.ws_set_options(path=place.path)
        if place.tls:
            self._client.tls_set()
        if credential is not None:
            self._client.username_pw_set(user_name, credential.password)
        if will is not None:
            self._client.will_set(will[0], will[1], qos=1)
        self.reason: Any = None
        self.properties: Any = None
        self.is_cut = False
        self.messages: list[paho.MQTTMessage] = []
        self._answers: dict[int, Any] = {}
        self._news = threading.Condition()
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        if not self.is_let_in():
            self.close()
            raise Refused(f"The broker refuses a device that it should let in: {self.reason}.")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_let_in(self) -> bool:
        """Connect; whether the broker said yes. Raises NoAnswer, and OSError where nobody
        listens."""
        properties = None
        more: dict[str, Any] = {}
        if self._version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 600 if self._keeps_session else 0
            more = {"clean_start": not self._keeps_session, "properties": properties}
        self._client.connect(self._place.host, self._place.port, keepalive=30, **more)
        self._client.loop_start()
        self._wait("the answer to CONNECT", lambda: self.reason is not None or self.is_cut)
        return self.reason is not None and not self.reason.is_failure

    def subscribe(self, topic_filter: str, *, qos: int = 1) -> int:
        """The reason code of the answer; one of 128 or more is a refusal."""
        _, packet_id = self._client.subscribe(topic_filter, qos=qos)
        return self._answer("the answer to SUBSCRIBE", packet_id)

    def publish(self, topic: str, payload: Any = b"", *, qos: int = 1, **properties: Any) -> int:
        """The reason code of the answer, 0 at QoS 0. What is no text and no bytes goes as JSON."""
        as_bytes = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        more = None
        if properties:
            more = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            for name, value in properties.items():
                setattr(more, name, value)
        sent = self._client.publish(topic, as_bytes, qos=qos, properties=more)
        return self._answer("the answer to PUBLISH", sent.mid) if qos else 0

    def heard(self, kind: str) -> list[Any]:
        """What has come down of one kind, decoded, in its order."""
        return [
            _decoded(message.payload)
            for message in list(self.messages)
            if message.topic.rpartition("/")[2] == kind
        ]

    def hear(
        self,
        kind: str,
        is_it: Callable[[Any], bool] = lambda _: True,
        *,
        within_seconds: float | None = None,
    ) -> Any:
        """The first record of a kind that it is. Raises NoAnswer."""
        found: list[Any] = []

        def has_come() -> bool:
            found[:] = [record for record in self.heard(kind) if is_it(record)]
            return bool(found)

        self._wait(f"a message on down/…/{kind}", has_come, seconds=within_seconds)
        return found[0]

    def hear_of(self, kind: str, **fields: Any) -> Any:
        """As `hear`, the first that has these fields."""
        return self.hear(kind, lambda record: fields.items() <= record.items())

    def is_cut_within(self, seconds: float) -> bool:
        """Whether the connection ends in that time."""
        with self._news:
            return self._news.wait_for(lambda: self.is_cut, timeout=seconds)

    def break_off(self) -> None:
        """End without a word, so that the broker sends the will."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.shutdown(socket.SHUT_RDWR)
        self.is_cut_within(ANSWER_WITHIN_SECONDS)

    def close(self) -> None:
        """End the connection, if there is one."""
        self._client.disconnect()
        self._client.loop_stop()

    def _wait(self, what: str, is_so: Callable[[], bool], *, seconds: float | None = None) -> None:
        seconds = ANSWER_WITHIN_SECONDS if seconds is None else seconds
        with self._news:
            if not self._news.wait_for(is_so, timeout=seconds):
                raise NoAnswer(what, seconds)

    def _answer(self, what: str, packet_id: int | None) -> int:
        self._wait(what, lambda: packet_id in self._answers or self.is_cut)
        if packet_id not in self._answers:  # some brokers end the connection instead
            raise Refused("The broker ended the connection instead of an answer.")
        assert packet_id is not None
        return int(self._answers.pop(packet_id).value)

    # What paho calls, in its thread.

    def _on_connect(self, _c: Any, _d: Any, _flags: Any, reason: Any, properties: Any) -> None:
        with self._news:
            self.reason, self.properties = reason, properties
            self._news.notify_all()

    def _on_disconnect(self, *_: Any) -> None:
        with self._news:
            self.is_cut = True
            self._news.notify_all()

    def _on_subscribe(self, _c: Any, _d: Any, packet_id: int, reasons: Any, _p: Any) -> None:
        self._take_answer(packet_id, reasons[0])

    def _on_publish(self, _c: Any, _d: Any, packet_id: int, reason: Any, _p: Any) -> None:
        self._take_answer(packet_id, reason)

    def _take_answer(self, packet_id: int, reason: Any) -> None:
        with self._news:
            self._answers[packet_id] = reason
            self._news.notify_all()

    def _on_message(self, _c: Any, _d: Any, message: paho.MQTTMessage) -> None:
        with self._news:
            self.messages.append(message)
            self._news.notify_all()


class Refused(KatydidError):
    """The broker does not do what it should."""


def _decoded(payload: bytes | bytearray) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload
