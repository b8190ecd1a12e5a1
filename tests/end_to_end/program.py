"""A program of an account: mosquitto_pub and mosquitto_sub with the credential of a device."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.conftest import needs
from tests.end_to_end.person import PASSWORD, Person
from tests.running import wait_until


class Program:
    """`version` is MQTT's, as mosquitto's programs call it: mqttv5 or mqttv311."""

    def __init__(self, url: str, owner: Person, *, version: str = "mqttv5") -> None:
        answer = httpx.post(
            f"{url}/api/v1/devices",
            auth=(owner.account, PASSWORD),
            json={"name": "Garden sensor", "kind": "thing"},
            timeout=30,
        )
        self.mqtt = answer.raise_for_status().json()["mqtt"]
        self._version = version

    def send(self, to: Person, *payloads: str) -> None:
        """Publish payloads of one line each, in order."""
        topic = self.mqtt["send_topic"].replace("{to}", to.account)
        subprocess.run(
            [needs("mosquitto_pub"), *self._login(), "-t", topic, "-l"],
            input="\n".join(payloads),
            text=True,
            check=True,
            timeout=60,
        )

    @contextmanager
    def listening(self, output: Path) -> Iterator[None]:
        """While mosquitto_sub writes `topic payload` lines into the file."""
        with output.open("wb") as lines:
            process = subprocess.Popen(
                [
                    *(needs("mosquitto_sub"), *self._login()),
                    *("-t", self.mqtt["receive_filter"], "-v", "-d"),
                ],
                stdout=lines,
            )
        try:
            wait_until("the subscription", lambda: "Subscribed" in output.read_text())
            yield
        finally:
            process.terminate()
            process.wait(timeout=15)

    def _login(self) -> list[str]:
        return [
            *("-V", self._version, "-q", "1", "-h", self.mqtt["host"]),
            *("-p", str(self.mqtt["port"]), "-i", self.mqtt["client_id"]),
            *("-u", self.mqtt["username"], "-P", self.mqtt["password"]),
        ]
