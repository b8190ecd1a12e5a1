"""The server that is examined, and the two people with whom it is tried.

Everything here goes by what the server itself says: where its broker is, what the topics are.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

from cli.doctor.mqtt import Connection, Credential, Place

_ANSWER_WITHIN_SECONDS = 15.0
API = "/api/v1"


@dataclass(kw_only=True)
class Device:
    """What `POST /devices` answered."""

    id: str
    mqtt: dict[str, Any]
    account: str

    @property
    def credential(self) -> Credential:
        return Credential(self.account, self.mqtt["username"], self.mqtt["password"])

    @property
    def tcp(self) -> Place:
        return Place(self.mqtt["host"], int(self.mqtt["port"]), bool(self.mqtt.get("tls")))

    @property
    def websocket(self) -> Place:
        return Place.of_websocket(self.mqtt["websocket_url"])

    def topic(self, to: str, verb: str) -> str:
        """Where this device publishes a verb."""
        topic: str = self.mqtt["send_topic"]
        return topic.replace("{to}", to).rpartition("/")[0] + f"/{verb}"


@dataclass(kw_only=True)
class Person:
    """An account, its first device, and that one's connection, which hears all that comes."""

    name: str
    password: str = field(repr=False)
    # Made for this, and to be deleted again.
    is_ours: bool
    url: str
    devices: list[Device] = field(default_factory=list)
    live: Connection | None = None

    def http(self) -> httpx.Client:
        """As the account itself, by its password."""
        return _client(self.url, (self.name, self.password))

    def as_device(self, device: Device | None = None) -> httpx.Client:
        """As a device, which costs the server less."""
        credential = (device or self.device).credential
        return _client(self.url, (credential.user_name, credential.password))

    @property
    def device(self) -> Device:
        """The first one."""
        return self.devices[0]

    @property
    def hears(self) -> Connection:
        """The connection of the first device."""
        if self.live is None:
            self.live = Connection(self.device.tcp, self.device.credential).__enter__()
            self.live.subscribe(self.device.mqtt["receive_filter"])
        return self.live

    def add_device(self, name: str = "Conformance check") -> Device:
        """One more device. Raises KeyError when the answer has not the form of the contract."""
        with self.http() as http:
            answer = http.post(f"{API}/devices", json={"name": name, "kind": "thing"})
        answer.raise_for_status()
        made = answer.json()
        self.devices.append(Device(id=made["device"], mqtt=made["mqtt"], account=self.name))
        return self.devices[-1]

    def publish(self, to: str, verb: str, payload: Any = b"", **more: Any) -> int:
        """From the first device."""
        return self.hears.publish(self.device.topic(to, verb), payload, **more)

    def send(self, to: "Person", text: str, *, id: str | None = None, **more: Any) -> Any:
        """The record with which the text came back."""
        id = id or new_id()
        self.publish(to.name, "send", {"id": id, "text": text, **more})
        return self.hears.hear_of("message", id=id)

    def error(self, id: str) -> Any:
        """The error about what was sent with that id."""
        return self.hears.hear_of("error", id=id)


class Server:
    """The server by its URL. `alice` and `bob` are there from the moment in which they came in."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.people: list[Person] = []

    @property
    def alice(self) -> Person:
        return self.people[0]

    @property
    def bob(self) -> Person:
        return self.people[1]

    def anybody(self) -> httpx.Client:
        """Without a credential."""
        return _client(self.url, None)

    def close(self) -> None:
        for person in self.people:
            if person.live is not None:
                person.live.close()


def new_id() -> str:
    """The id of a message, which nobody had before."""
    return f"check-{secrets.token_hex(8)}"


def _client(url: str, auth: tuple[str, str] | None) -> httpx.Client:
    return httpx.Client(base_url=url, auth=auth, timeout=_ANSWER_WITHIN_SECONDS)
