"""What bot.py and sensor.py share: from the line under a thing's QR code to a connection (paho).

The session is kept by the broker while the thing is away, at most for a week, so that nothing is
missed without HTTP. MQTT_VERSION=311 speaks MQTT 3.1.1 instead of 5.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import SplitResult, parse_qs, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

KEPT_SECONDS = 7 * 24 * 3600


def told_by(line: str) -> SplitResult:
    """The parts of the line; with another one, the program ends and says what it should be."""
    with suppress(ValueError):  # a port that is no number
        told = urlsplit(line)
        is_whole = told.username and told.password and told.port and "owner" in parse_qs(told.query)
        if told.scheme in ("mqtt", "mqtts") and is_whole:
            return told
    sys.exit("THING must be the line under the QR code of the thing: mqtt://…?owner=…")


class Thing:
    """Connects again by itself; what comes down is handed to `received(kind, record)`."""

    def __init__(self, line: str, received: Callable[[str, dict], None]) -> None:
        told = told_by(line)
        self.name, _, self._device = told.username.partition(".")
        self.owner = parse_qs(told.query)["owner"][0]
        self._up = told.path.removeprefix("/")
        self._address = told.hostname, told.port
        self._received = received
        self._is_version_5 = os.environ.get("MQTT_VERSION", "5") == "5"
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=told.username,
            protocol=mqtt.MQTTv5 if self._is_version_5 else mqtt.MQTTv311,
            **({} if self._is_version_5 else {"clean_session": False}),
        )
        self.client.username_pw_set(told.username, told.password)
        if told.scheme == "mqtts":
            self.client.tls_set()
        self.client.reconnect_delay_set(min_delay=1, max_delay=60)
        self.client.on_pre_connect = self._before_connecting
        self.client.on_connect = self._connected
        self.client.on_message = self._came

    def run(self) -> None:
        """Until Ctrl-C."""
        self._connect()
        with suppress(KeyboardInterrupt):
            self.client.loop_forever(retry_first_connection=True)

    def start(self) -> None:
        """In a thread beside the program."""
        self._connect()
        self.client.loop_start()

    def send(self, to: str, verb: str, content: dict) -> None:
        """Publish what the protocol calls `verb`."""
        self.client.publish(f"{self._up}/{to}/{verb}", json.dumps(content), qos=1)

    def _connect(self) -> None:
        if self._is_version_5:
            kept = Properties(PacketTypes.CONNECT)
            kept.SessionExpiryInterval = KEPT_SECONDS
            self.client.connect_async(*self._address, clean_start=False, properties=kept)
        else:
            self.client.connect_async(*self._address)

    # Each connection has a name of its own: the late will of an old one then hides no new one.

    def _before_connecting(self, client: mqtt.Client, _data: object) -> None:
        self._connection = f"{self._device}-{secrets.token_hex(4)}"
        client.will_set(f"{self._up}/-/presence", self._presence(online=False), qos=1)

    def _connected(self, client, _data, _flags, reason, _properties) -> None:
        if reason.is_failure:
            if "authori" in str(reason).lower() or "password" in str(reason).lower():
                sys.exit("The broker refuses the credential; has its owner made a new one?")
            return
        client.subscribe(f"chat/v1/down/{self.name}/#", qos=1)
        client.publish(f"{self._up}/-/presence", self._presence(online=True), qos=1)

    def _presence(self, *, online: bool) -> str:
        return json.dumps({"online": online, "connection": self._connection})

    def _came(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._received(message.topic.rpartition("/")[2], json.loads(message.payload))
