"""Whether an answer over HTTP, or a message over MQTT, is as the contract's documents say.

Stricter than a client has to be: a field that no document names is wrong here.
"""

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator

from web.contract.asyncapi import MqttAddresses, asyncapi
from web.contract.openapi import openapi

ADDRESSES = MqttAddresses(
    host="127.0.0.1", port=1883, has_tls=False, websocket_url="ws://127.0.0.1:9001/mqtt"
)


class WrongByContract(AssertionError):
    """It is none of what the documents describe."""


# HTTP.


@dataclass(frozen=True)
class Answer:
    """What a site has answered, whichever client asked."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def mimetype(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]


def assert_described(document: dict[str, Any], answer: Answer) -> None:
    """The answer of a call of the API is one that openapi.json has for it. What nobody foresaw
    (500) is in no document, nor is what there is no route for; both are problems all the same."""
    if not answer.path.startswith(("/api/", "/healthz", "/metrics")) or answer.method == "HEAD":
        return
    call = _call(document, answer.method, answer.path)
    described = call["responses"].get(str(answer.status)) if call else None
    if answer.status in (404, 405, 500) and b'"about:blank"' in answer.body:
        described = _ANY_PROBLEM
    if described is None:
        raise WrongByContract(f"{answer.method} {answer.path}: {answer.status}")
    _assert_fits(document, described, answer)


_ANY_PROBLEM = {
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    }
}


def _call(document: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    """The description of the call, where the path has fewest names in it."""
    for template in sorted(document["paths"], key=lambda path: path.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] | None = document["paths"][template].get(method.lower())
            if found is not None:
                return found
    return None


def _assert_fits(document: dict[str, Any], described: dict[str, Any], answer: Answer) -> None:
    where = f"{answer.method} {answer.path}: {answer.status}"
    for name, header in described.get("headers", {}).items():
        if header.get("required") and name not in answer.headers:
            raise WrongByContract(f"{where}, without {name}")
    content = described.get("content", {})
    if not content:
        if answer.body:
            raise WrongByContract(f"{where}, with a body")
        return
    if answer.mimetype not in content:
        raise WrongByContract(f"{where}, as {answer.mimetype}")
    if "json" in answer.mimetype:
        validate(document, content[answer.mimetype]["schema"], json.loads(answer.body), where)


def operations_in(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each call of openapi.json."""
    for path, item in document["paths"].items():
        for method, each in item.items():
            if method != "parameters":
                yield path, method.upper(), each


_documents: list[dict[str, Any]] = []


def closed_openapi(app: Flask) -> dict[str, Any]:
    """The document, closed; made once, since all sites have the same routes."""
    if not _documents:
        _documents.append(closed(openapi(app)))
    return _documents[0]


# MQTT.


@cache
def _closed_asyncapi() -> dict[str, Any]:
    return closed(asyncapi(ADDRESSES))


def assert_heard_described(heard: Iterable[Any]) -> None:
    """All that paho has heard is in asyncapi.json, at the QoS that it says."""
    document = _closed_asyncapi()
    for message in heard:
        try:
            name, _ = channel_of(message.topic)
        except WrongByContract:  # a response topic; then it is the answer to a question
            name = "down_history"
        [operation] = [
            each
            for each in document["operations"].values()
            if each["channel"]["$ref"] == f"#/channels/{name}"
        ]
        if message.qos > operation["bindings"]["mqtt"]["qos"]:
            raise WrongByContract(f"{message.topic} came at QoS {message.qos}")
        assert_payload_described(name, message.payload)


def channel_of(topic: str) -> tuple[str, dict[str, Any]]:
    """The channel that a topic belongs to, with its name. Raises WrongByContract."""
    for name, channel in _closed_asyncapi()["channels"].items():
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(channel["address"]))
        if found := re.fullmatch(pattern, topic):
            for parameter, value in found.groupdict().items():
                allowed = _closed_asyncapi()["components"]["parameters"][parameter].get("enum")
                if allowed and value not in allowed:
                    raise WrongByContract(f"{topic}: {parameter} cannot be {value}")
            return name, channel
    raise WrongByContract(f"{topic} is no channel of the document")


def assert_payload_described(name: str, payload: bytes) -> None:
    """It fits one of the messages of the channel."""
    document = _closed_asyncapi()
    problems = []
    for message in document["channels"][name]["messages"].values():
        described = _referred(document, message)
        is_json = described.get("contentType", document["defaultContentType"]).endswith("json")
        try:
            value = json.loads(payload) if is_json else payload.decode()
            validate(document, described["payload"], value, name)
        except (ValueError, WrongByContract) as problem:
            problems.append(str(problem))
        else:
            return
    raise WrongByContract("; ".join(problems))


# Both.


def validate(document: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    """Raises WrongByContract, saying all that is wrong."""
    validator = Draft202012Validator(
        {**schema, "components": document["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    if problems := [f"{each.json_path}: {each.message}" for each in validator.iter_errors(value)]:
        raise WrongByContract(f"{where}: {'; '.join(problems)}")


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The document, but no object has a field that is not in its schema."""
    closed = copy.deepcopy(document)
    for schema in closed["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return closed


def _referred(document: dict[str, Any], reference: dict[str, str]) -> Any:
    found: Any = document
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found
