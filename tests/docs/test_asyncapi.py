"""asyncapi.json: a document after the specification, of every topic and payload in the code."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft7Validator

from chat import payloads, topics
from chat.settings import REPOSITORY
from tests.conftest import cannot_run
from tests.contract import (
    ADDRESSES,
    WrongByContract,
    assert_payload_described,
    channel_of,
)
from tests.docs.test_protocol import EXAMPLES, PARSERS
from web.contract.asyncapi import MqttAddresses, asyncapi

SPECIFICATION = REPOSITORY / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
DOCUMENT = asyncapi(ADDRESSES)
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_it_is_a_document_after_the_specification() -> None:
    if not Path(SPECIFICATION).exists():
        cannot_run("the schema of AsyncAPI is not installed; ./katydid test brings it")
    validator = Draft7Validator(json.loads(SPECIFICATION.read_text()))

    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert [f"{each.json_path}: {each.message}" for each in validator.iter_errors(DOCUMENT)] == []


def test_what_it_refers_to_is_there() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [each for below in value.values() for each in references(below)]
        if isinstance(value, list):
            return [each for below in value for each in references(below)]
        return []

    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in found, reference
            found = found[step]


def test_every_topic_of_the_code_is_a_channel_and_no_other() -> None:
    kinds = payloads.KINDS.values()
    ups = {
        topics.up("alice", "-" if verb == "presence" else "bob", verb): f"up_{verb}"
        for verb in topics.VERBS
    }
    downs = {topics.down("alice", kind): f"down_{kind}" for kind in kinds}

    found = {topic: channel_of(topic)[0] for topic in ups | downs}

    assert found == ups | downs
    assert set(DOCUMENT["channels"]) == set(found.values())
    for topic in (
        topics.up("alice", "bob", "shout"),
        topics.down("alice", "gossip"),
        "chat/v1/up/g/alice/bob/send",
        "chat/v2/down/alice/message",
    ):
        with pytest.raises(WrongByContract):
            channel_of(topic)


def test_what_devices_publish_is_received_and_what_they_hear_is_sent() -> None:
    told = {
        (each["action"], each["channel"]["$ref"].rpartition("/")[2], qos_of(each))
        for each in DOCUMENT["operations"].values()
    }

    assert told == {
        *(("receive", f"up_{verb}", int(verb != "typing")) for verb in topics.VERBS),
        *(("send", f"down_{kind}", int(kind != "typing")) for kind in payloads.KINDS.values()),
    }


def qos_of(operation: dict[str, Any]) -> int:
    qos: int = operation["bindings"]["mqtt"]["qos"]
    return qos


def test_every_payload_of_the_code_is_described_with_all_its_fields() -> None:
    types = [*payloads.PAYLOADS.values(), *payloads.KINDS]
    assert set(payloads.PAYLOADS) == set(topics.VERBS) - {"typing"}
    assert set(payloads.KINDS) == set(get_args(payloads.Record))

    for each in types:
        fields = {field.encode_name for field in msgspec.structs.fields(each)}
        assert set(SCHEMAS[each.__name__]["properties"]) == fields
        assert SCHEMAS[each.__name__]["description"]


def test_the_limits_are_those_of_the_code() -> None:
    history = SCHEMAS["HistoryRequest"]["properties"]

    assert SCHEMAS["Send"]["properties"]["text"]["maxLength"] == payloads.TEXT_CHARACTERS
    assert SCHEMAS["Edit"]["properties"]["text"]["maxLength"] == payloads.TEXT_CHARACTERS
    assert SCHEMAS["React"]["properties"]["reaction"]["maxLength"] == payloads.REACTION_CHARACTERS
    assert history["limit"]["maximum"] == payloads.HISTORY_LIMIT
    assert history["limit"]["default"] == payloads.HISTORY_DEFAULT
    reasons = set(SCHEMAS["ErrorRecord"]["properties"]["reason"]["enum"])
    assert reasons == set(get_args(payloads.Reason))
    assert "max_packet_size 262144" in (REPOSITORY / "mosquitto.conf").read_text()
    for server in DOCUMENT["servers"].values():
        assert server["bindings"]["mqtt"]["maximumPacketSize"] == 262_144


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_every_example_of_the_protocol_fits(name: str, example: str) -> None:
    direction, _, kind = name.rpartition(" ")

    assert_payload_described(f"{direction or 'up'}_{kind}", example.encode())


TAKEN = [
    ("send", b"hello"),
    ("send", b'{"id": "1", "text": "x", "sent_at": null}'),
    ("history", b'{"before": 0, "limit": 200}'),
    ("react", b'{"id": "1", "seq": 1, "reaction": ""}'),
    ("read", b'{"seq": 0}'),
]
NOT_TAKEN = [
    ("send", b""),
    ("edit", b'{"id": "1", "seq": 0, "text": "x"}'),
    ("edit", b'{"seq": 1, "text": "x"}'),
    ("edit", b'{"id": "1", "seq": 1, "text": ""}'),
    ("unsend", b'{"id": "", "seq": 1}'),
    ("unsend", b'{"id": "1"}'),
    ("react", b'{"id": "1", "seq": 1, "reaction": "' + b"x" * 33 + b'"}'),
    ("delivered", b'{"seq": -1}'),
    ("read", b'{"seq": "1"}'),
    ("presence", b'{"online": 1, "connection": "c"}'),
    ("presence", b'{"online": true, "connection": "' + b"c" * 65 + b'"}'),
    ("history", b'{"limit": 201}'),
    ("history", b'{"limit": 0}'),
    ("history", b'{"request": "\\u0000"}'),
]


@pytest.mark.parametrize(("verb", "payload"), TAKEN)
def test_what_the_code_takes_fits(verb: str, payload: bytes) -> None:
    assert PARSERS[verb](payload)

    assert_payload_described(f"up_{verb}", payload)


@pytest.mark.parametrize(("verb", "payload"), NOT_TAKEN)
def test_what_the_code_does_not_take_does_not_fit(verb: str, payload: bytes) -> None:
    with pytest.raises(payloads.NotAPayload):
        PARSERS[verb](payload)

    with pytest.raises(WrongByContract):
        assert_payload_described(f"up_{verb}", payload)


def test_the_broker_is_where_clients_are_told() -> None:
    document = asyncapi(
        MqttAddresses(
            host="::1", port=8883, has_tls=True, websocket_url="wss://chat.example:443/mqtt"
        )
    )

    told = {
        name: (server["protocol"], server["host"], server.get("pathname"))
        for name, server in document["servers"].items()
    }
    assert told == {
        "tcp": ("secure-mqtt", "[::1]:8883", None),
        "websocket": ("wss", "chat.example:443", "/mqtt"),
    }
