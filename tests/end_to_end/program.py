"""A program of an account: mosquitto_pub and mosquitto_sub with the credential of a device."""

import subprocess

import httpx

from tests.asking import NO_TLS
from tests.conftest import needs
from tests.end_to_end.person import PASSWORD, Person


class Program:
    """`version` is MQTT's, as mosquitto's programs call it: mqttv5 or mqttv311."""

    def __init__(self, url: str, owner: Person, *, version: str = "mqttv5") -> None:
        answer = httpx.post(
            f"{url}/api/v1/devices",
            auth=(owner.account, PASSWORD),
            json={"name": "Garden sensor", "kind": "thing"},
            timeout=30,
            verify=NO_TLS,
        )
        self.mqtt = answer.raise_for_status().json()["mqtt"]
        self._version = version

    def send(self, to: Person, *payloads: str, verb: str = "send") -> None:
        """Publish payloads of one line each, in order."""
        topic = self.mqtt["send_topic"].replace("{to}", to.account).removesuffix("send") + verb
        subprocess.run(
            [needs("mosquitto_pub"), *self._login(), "-t", topic, "-l"],
            input="\n".join(payloads),
            text=True,
            check=True,
            timeout=60,
        )

    def subscribe(self) -> None:
        """Make a session that the broker keeps, subscribed to all that is meant for the owner."""
        self._listen("-E")

    def next_heard(self) -> tuple[str, str]:
        """Topic and payload of the first thing that came since `subscribe`."""
        topic, _, payload = self._listen("-C", "1", "-W", "15", "-v").partition(" ")
        return topic, payload

    def _listen(self, *options: str) -> str:
        keep = ["-c", "-x", "300"] if self._version == "mqttv5" else ["-c"]
        filter_ = self.mqtt["receive_filter"]
        done = subprocess.run(
            [needs("mosquitto_sub"), *self._login(), *keep, "-t", filter_, *options],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def _login(self) -> list[str]:
        return [
            *("-V", self._version, "-q", "1", "-h", self.mqtt["host"]),
            *("-p", str(self.mqtt["port"]), "-i", self.mqtt["client_id"]),
            *("-u", self.mqtt["username"], "-P", self.mqtt["password"]),
        ]
