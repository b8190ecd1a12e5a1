"""Real traffic is as asyncapi.json says: every verb, every kind and every reason of an error."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from chat.payloads import KINDS, Reason
from chat.topics import VERBS, down, down_filter, up
from tests.conftest import needs
from tests.contract import (
    WrongByContract,
    assert_heard_described,
    assert_payload_described,
    channel_of,
)
from tests.mqtt import MQTT_3, MQTT_5, Client
from tests.running import Installation

NAMES = {"alice": MQTT_5, "bob": MQTT_3, "carol": MQTT_5}
BURST = 30


@pytest.fixture
def people(tmp_path: Path) -> Iterator[dict[str, Client]]:
    """Alice, Bob and Carol at a bridge with limits; Bob and his device speak MQTT 3.1.1."""
    needs("mosquitto")
    installation = Installation(
        tmp_path, KATYDID_RATE_PER_SECOND="20", KATYDID_RATE_BURST=str(BURST)
    )
    installation.register(*NAMES)
    installation.start("broker", "bridge")
    people = {
        name: Client(installation.settings, installation.new_device(name), protocol=protocol)
        for name, protocol in NAMES.items()
    }
    for name, client in people.items():
        client.connect().subscribe(down_filter(name))
    time.sleep(1)  # what comes right after a start may have piled up before it
    yield people
    for client in people.values():
        client.close()
    installation.stop_all()


class Recorder:
    """Publishes, and keeps the channels that were used; the payload has to be as the document
    says, or not, as the test says."""

    def __init__(self, people: dict[str, Client]) -> None:
        self._people = people
        self.channels: set[str] = set()

    def say(self, name: str, verb: str, payload: Any = b"", **properties: Any) -> None:
        topic = up(name, *meant_for(name, verb))
        as_bytes = payload if isinstance(payload, bytes) else json_of(payload)
        channel, _ = channel_of(topic)
        assert_payload_described(channel, as_bytes)
        self.channels.add(channel)
        self._people[name].publish(topic, as_bytes, qos=int(verb != "typing"), **properties)

    def say_wrongly(self, name: str, to: str, verb: str, payload: bytes) -> None:
        with pytest.raises(WrongByContract):
            assert_payload_described(channel_of(up(name, to, verb))[0], payload)
        self._people[name].publish(up(name, to, verb), payload)


def meant_for(name: str, verb: str) -> tuple[str, str]:
    return ("-" if verb == "presence" else "bob" if name == "alice" else "alice"), verb


def json_of(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def test_all_that_goes_up_and_down_is_described(people: dict[str, Client]) -> None:
    alice, bob, carol = people.values()
    recorder = Recorder(people)

    for verb, payload in (
        ("send", b"as it is"),
        ("send", {"id": "1", "text": "hello", "sent_at": "2026-11-23T20:37:15.123+01:00"}),
        ("send", {"id": "2", "text": "to be unsent"}),
        ("edit", {"id": "3", "seq": 2, "text": "hello, Bob"}),
        ("unsend", {"id": "4", "seq": 3}),
    ):
        recorder.say("alice", verb, payload)
    bob.wait_for("message", lambda message: message["seq"] == 5)
    for verb, payload in (
        ("react", {"id": "1", "seq": 2, "reaction": "👍"}),
        ("send", {"id": "2", "text": "an answer", "reply_to": 2}),
        ("delivered", {"seq": 6}),
        ("read", {"seq": 5}),
        ("typing", b""),
        ("presence", {"online": True, "connection": "c1"}),
        ("presence", {"online": False, "connection": "c1"}),
    ):
        recorder.say("bob", verb, payload)
    alice.wait_for("typing")
    alice.wait_for("presence", lambda presence: not presence["online"])
    recorder.say("bob", "history")
    recorder.say("alice", "history", {"after": 0, "limit": 200, "request": "q"})
    recorder.say("alice", "history", ResponseTopic=down("alice", "a/b"), CorrelationData=b"\x00")
    page = alice.wait_for("history", lambda page: page["request"] == "q")
    alice.wait_for("b")
    bob.wait_for("history")
    recorder.say_wrongly("alice", "bob", "react", b'{"seq": 1}')
    recorder.say_wrongly("alice", "bob", "send", b"x" * 4_001)
    alice.publish(up("alice", "nobody-there", "send"), b"x")
    alice.publish(up("alice", "alice", "send"), b"x")
    for number in range(2 * BURST):
        carol.begin_publishing(up("carol", "bob", "send"), {"id": f"{number}", "text": "x"})
    carol.wait_for("error", lambda error: error["reason"] == "rate-limited")

    for client in people.values():
        assert_heard_described(client.messages)
    assert recorder.channels == {f"up_{verb}" for verb in VERBS}
    heard = {
        message.topic.rpartition("/")[2] for each in people.values() for message in each.messages
    }
    assert heard == {*KINDS.values(), "b"}
    reasons = {error["reason"] for each in people.values() for error in each.received("error")}
    assert reasons == set(get_args(Reason))
    assert {message["kind"] for message in page["messages"]} == {
        *("text", "edit", "unsend", "reaction")
    }
    assert page["messages"][1]["reactions"] == {"bob": "👍"}
