"""umqtt.simple's client as far as an example uses it, over paho, in MQTT 3.1.1."""

import queue
from collections.abc import Callable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


class MQTTClient:
    def __init__(
        self,
        client_id: str,
        server: str,
        port: int = 0,
        user: str | None = None,
        password: str | None = None,
        keepalive: int = 0,
        ssl: object = None,
    ) -> None:
        assert not ssl
        self._client_id, self._address = client_id, (server, port, keepalive)
        self._login = user, password
        self._messages: queue.Queue[paho.MQTTMessage] = queue.Queue()

    def set_callback(self, callback: Callable[[bytes, bytes], None]) -> None:
        self._callback = callback

    def connect(self, clean_session: bool = True) -> None:
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=clean_session,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(*self._login)
        self._subscribed = False
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.on_message = lambda _client, _data, message: self._messages.put(message)
        self._client.connect(*self._address)
        while not self._client.is_connected():
            self._check(self._client.loop(0.1))

    def subscribe(self, topic: str | bytes, qos: int = 0) -> None:
        self._client.subscribe(_text(topic), qos)
        while not self._subscribed:
            self._check(self._client.loop(0.1))

    def publish(
        self, topic: str | bytes, message: str | bytes, retain: bool = False, qos: int = 0
    ) -> None:
        published = self._client.publish(_text(topic), message, qos, retain)
        while not published.is_published():
            self._check(self._client.loop(0.1))

    def check_msg(self) -> None:
        self._check(self._client.loop(0.01))
        while not self._messages.empty():
            message = self._messages.get()
            self._callback(message.topic.encode(), message.payload)

    def ping(self) -> None:
        self._check(self._client.loop(0.0))

    def _check(self, outcome: int) -> None:
        if outcome != paho.MQTT_ERR_SUCCESS:
            raise OSError(paho.error_string(outcome))


def _text(topic: str | bytes) -> str:
    return topic if isinstance(topic, str) else topic.decode()
