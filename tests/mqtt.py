"""A stock MQTT client for tests, MQTT 5 or 3.1.1: paho, with answers that can be waited for."""

import json
import queue
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from chat.settings import Settings
from mqtt_acl.issuer import Credentials
from tests.running import wait_until

MQTT_5, MQTT_3 = paho.MQTTv5, paho.MQTTv311
PROTOCOLS = [MQTT_5, MQTT_3]


class Client:
    """One connection. Subscribe and publish answer with the broker's reason code."""

    def __init__(
        self,
        settings: Settings,
        credentials: Credentials | None,
        *,
        protocol: int = MQTT_5,
        client_id: str | None = None,
        password: str | None = None,
        will: tuple[str, bytes] | None = None,
        will_delay_seconds: int = 0,
        clean: bool = True,
        websocket: bool = False,
        authority: Path | None = None,
    ) -> None:
        """With an `authority` to trust, it comes in by TLS."""
        plain = settings.websocket_port if websocket else settings.mqtt_port
        self._port = plain if authority is None else settings.mqtts_port
        self._host = settings.broker_host
        self._protocol = protocol
        self._clean = clean
        user_name = credentials.user_name if credentials else "nobody"
        session = {} if protocol == MQTT_5 else {"clean_session": clean}
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or user_name,
            protocol=protocol,  # type: ignore[arg-type]
            reconnect_on_failure=False,
            transport="websockets" if websocket else "tcp",
            **session,
        )
        if credentials is not None:
            self._client.username_pw_set(user_name, password or credentials.password)
        if authority is not None:
            self._client.tls_set(str(authority))
        if will is not None:
            delayed = None
            if will_delay_seconds:
                delayed = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
                delayed.WillDelayInterval = will_delay_seconds
            self._client.will_set(will[0], will[1], qos=1, properties=delayed)
        self.connect_reason: Any = None
        self.session_present: bool | None = None
        self.disconnect_reason: Any = None
        self.messages: list[paho.MQTTMessage] = []
        self._coming: queue.SimpleQueue[paho.MQTTMessage] = queue.SimpleQueue()
        self._answers: dict[int, Any] = {}
        self._lock = threading.Lock()
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        if not websocket:
            self._client.on_socket_open = _send_at_once

    def connect(self) -> Self:
        """Connect and wait for the broker's answer, which is in `connect_reason`."""
        self.begin()
        wait_until("the answer to CONNECT", lambda: self.connect_reason is not None)
        return self

    def begin(self) -> None:
        """Connect and do not wait."""
        properties = None
        if self._protocol == MQTT_5:
            properties = Properties(paho.CONNECT >> 4)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0 if self._clean else 3600
            self._client.connect(
                self._host, self._port, clean_start=self._clean, properties=properties
            )
        else:
            self._client.connect(self._host, self._port)
        self._client.loop_start()

    def subscribe(self, topic: str, *, qos: int = 1) -> Any:
        return self._answer(self.begin_subscribing(topic, qos=qos), "SUBACK")

    def begin_subscribing(self, topic: str, *, qos: int = 1) -> int | None:
        """Subscribe and do not wait."""
        _, packet_id = self._client.subscribe(topic, qos=qos)
        return packet_id

    def publish(self, topic: str, payload: Any = b"", *, qos: int = 1, **properties: Any) -> Any:
        """The broker's answer, or None at QoS 0. Anything but str and bytes is sent as JSON."""
        packet_id = self.begin_publishing(topic, payload, qos=qos, **properties)
        return self._answer(packet_id, "PUBACK") if qos else None

    def begin_publishing(
        self, topic: str, payload: Any = b"", *, qos: int = 1, **properties: Any
    ) -> int:
        """Publish and do not wait."""
        as_bytes = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        with_properties = None
        if properties:
            with_properties = Properties(paho.PUBLISH >> 4)  # type: ignore[no-untyped-call]
            for name, value in properties.items():
                setattr(with_properties, name, value)
        return self._client.publish(topic, as_bytes, qos=qos, properties=with_properties).mid

    def drop(self) -> None:
        """Let the connection break off without a word, so that the will is sent."""
        sock = self._client.socket()
        assert sock is not None
        sock.shutdown(2)
        wait_until("the connection to break", lambda: self.disconnect_reason is not None)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What came.

    def received(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind that have come down, in their order."""
        return [
            json.loads(message.payload)
            for message in list(self.messages)
            if message.topic.rpartition("/")[2] == kind
        ]

    def wait_for(
        self,
        kind: str,
        is_it: Callable[[dict[str, Any]], bool] = lambda _: True,
        *,
        seconds: float = 15.0,
    ) -> dict[str, Any]:
        """The first record of the kind that it is, waited for."""
        found: list[dict[str, Any]] = []

        def has_come() -> bool:
            found[:] = [record for record in self.received(kind) if is_it(record)]
            return bool(found)

        wait_until(f"a {kind} to come down", has_come, seconds=seconds)
        return found[0]

    def next_message(self, *, seconds: float = 15.0) -> paho.MQTTMessage:
        """What comes down next, of any kind: at once, for who asks much."""
        try:
            return self._coming.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"waited {seconds:.0f} s for a message to come down") from None

    # What paho calls.

    def _on_message(self, _c: Any, _d: Any, message: paho.MQTTMessage) -> None:
        self.messages.append(message)
        self._coming.put(message)

    def _answer(self, packet_id: int | None, kind: str) -> Any:
        assert packet_id is not None
        wait_until(f"a {kind}", lambda: packet_id in self._answers)
        with self._lock:
            return self._answers.pop(packet_id)

    def _on_connect(self, _c: Any, _d: Any, flags: Any, reason: Any, _p: Any) -> None:
        self.session_present = flags.session_present
        self.connect_reason = reason

    def _on_disconnect(self, _c: Any, _d: Any, _flags: Any, reason: Any, _p: Any) -> None:
        self.disconnect_reason = reason

    def _on_subscribe(self, _c: Any, _d: Any, packet_id: int, reasons: Any, _p: Any) -> None:
        self._answers[packet_id] = reasons[0]

    def _on_publish(self, _c: Any, _d: Any, packet_id: int, reason: Any, _p: Any) -> None:
        self._answers[packet_id] = reason


def _send_at_once(_client: Any, _data: Any, connection: Any) -> None:
    """Else what follows an acknowledgement waits 40 ms for one of the other side's."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
