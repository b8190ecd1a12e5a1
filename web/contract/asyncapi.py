"""The MQTT side of the contract as AsyncAPI 3.0: a document made from topics and payloads.

A channel for each verb that devices publish and for each kind of news that they hear. The standard
tells it from the server's side: what it receives is what devices publish.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from chat.fields import AccountName
from chat.hosts import address
from chat.payloads import HISTORY_DEFAULT, HISTORY_LIMIT, KINDS, PAYLOADS, TEXT_CHARACTERS
from chat.topics import SHARDS, VERBS, down_template, shard_digit, up_template
from web.contract.schemas import schemas_of

VERSION = "1"
MOST_BYTES = 262_144
_ABOUT = f"""\
What is live between Katydid and a device of an account, over MQTT 5 or 3.1.1. The document is
written from the server's side: what it receives is what a device publishes, and what it sends is
what a device hears. What is asked over HTTP is in `/api/v1/openapi.json`; `docs/protocol.md` tells
both, and how to be complete.

A device may publish below `{up_template("#").removesuffix("/{to}/#")}/` and subscribe to
`{down_template("#")}`, each with its own account. `shard` is part of the `send_topic` that comes
with a credential. A client id equals the user name; a device is one connection at a time. Packets
have at most {MOST_BYTES:,} bytes. Retained messages and QoS 2 have no use here.

What comes up and has no effect is answered on `{down_template("error")}`. Fields and kinds that a
client does not know are for later versions: ignore them."""

# What devices publish: what it does, and forms beside the JSON.
_VERBS = {
    "send": "A text: archived, then delivered to every device of both, where it is a `message`.",
    "edit": "One's own text says something else from now on.",
    "unsend": "One's own text is taken back, and emptied in the archive.",
    "react": "An emoji beside any text, one of each member.",
    "delivered": "The account has received all up to `seq`.",
    "read": "The account has read all up to `seq`, and received it.",
    "typing": "Relayed to the other, never stored.",
    "presence": (
        "The connection is online, or no longer. Announce true after connecting, and give the"
        " broker the same with false as the Last Will."
    ),
    "history": (
        "Asks for a page: the newest messages below `before`, or the oldest above `after`, not"
        f" both; without either, the newest. `limit` is {HISTORY_DEFAULT} if it is not given, and"
        f" {HISTORY_LIMIT} at most."
    ),
}
_WITHOUT_JSON = {
    "send": (
        "text",
        "The text as it is, in UTF-8; what begins like a JSON object is taken as JSON. It gets an"
        " id from the server, and may be doubled by a fault.",
        {"type": "string", "minLength": 1, "maxLength": TEXT_CHARACTERS},
    ),
    "typing": ("nothing", "No payload.", {"type": "string", "maxLength": 0}),
    "history": ("newest", "No payload: the newest messages.", {"type": "string", "maxLength": 0}),
}
_KINDS = {
    "message": "A message of a conversation, one's own included, with its number.",
    "receipt": "How far a member has received and read, when that has moved.",
    "typing": "The other is writing.",
    "presence": "Somebody with whom one has a conversation has come or gone.",
    "history": "A page that was asked for, ascending by `seq`.",
    "error": "Why something that one has published had no effect.",
}


@dataclass(frozen=True, kw_only=True)
class MqttAddresses:
    """Where the broker is found, as clients are told."""

    host: str
    port: int
    has_tls: bool
    websocket_url: str


def asyncapi(addresses: MqttAddresses) -> dict[str, Any]:
    """The document."""
    types = [*KINDS, *PAYLOADS.values()]
    _, schemas = schemas_of(types)
    schemas["AccountName"] = schemas_of([AccountName])[0][0]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Katydid over MQTT",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(addresses),
        "channels": {**dict(map(_up, VERBS)), **dict(map(_down, KINDS.values()))},
        "operations": {**dict(map(_receive, VERBS)), **dict(map(_send, KINDS.values()))},
        "components": {
            "schemas": schemas,
            "messages": dict(_messages()),
            "parameters": _PARAMETERS,
            "securitySchemes": {
                "device": {
                    "type": "userPassword",
                    "description": "The `username` and `password` of a device's credential.",
                }
            },
        },
    }


_PARAMETERS: dict[str, Any] = {
    "account": {"description": "The account of the device.", "examples": ["alice"]},
    "to": {"description": "The account that it is meant for.", "examples": ["bob"]},
    "shard": {
        "description": "crc32(account) % 16: one hexadecimal digit.",
        "enum": [shard_digit(shard) for shard in range(SHARDS)],
    },
}


def _servers(addresses: MqttAddresses) -> dict[str, Any]:
    websocket = urlsplit(addresses.websocket_url)
    common = {
        "protocolVersion": "5.0 or 3.1.1",
        "security": [{"$ref": "#/components/securitySchemes/device"}],
        "bindings": {"mqtt": {"bindingVersion": "0.2.0", "maximumPacketSize": MOST_BYTES}},
    }
    return {
        "tcp": {
            "host": address(addresses.host, addresses.port),
            "protocol": "secure-mqtt" if addresses.has_tls else "mqtt",
            "description": "For phones, programs and things.",
            **common,
        },
        "websocket": {
            "host": websocket.netloc.rpartition("@")[2],
            "pathname": websocket.path or "/",
            "protocol": websocket.scheme,
            "description": "For browsers: MQTT over WebSocket, subprotocol mqtt.",
            **common,
        },
    }


# Channels, and what goes through them.


def _up(verb: str) -> tuple[str, dict[str, Any]]:
    return f"up_{verb}", _channel(f"up_{verb}", up_template(verb), _VERBS[verb], _forms_of(verb))


def _down(kind: str) -> tuple[str, dict[str, Any]]:
    return f"down_{kind}", _channel(f"down_{kind}", down_template(kind), _KINDS[kind], ["json"])


def _forms_of(verb: str) -> list[str]:
    """Under which names its payloads are told apart."""
    other = [_WITHOUT_JSON[verb][0]] if verb in _WITHOUT_JSON else []
    return [*(["json"] if verb in PAYLOADS else []), *other]


def _channel(name: str, topic: str, about: str, forms: list[str]) -> dict[str, Any]:
    return {
        "address": topic,
        "description": about,
        "parameters": {
            parameter: {"$ref": f"#/components/parameters/{parameter}"}
            for parameter in _PARAMETERS
            if f"{{{parameter}}}" in topic
        },
        "messages": {form: {"$ref": f"#/components/messages/{name}_{form}"} for form in forms},
    }


def _messages() -> Iterator[tuple[str, dict[str, Any]]]:
    for verb, payload in PAYLOADS.items():
        yield f"up_{verb}_json", _json(verb, payload)
    for verb, (form, about, schema) in _WITHOUT_JSON.items():
        yield (
            f"up_{verb}_{form}",
            {
                "name": f"{verb}, {form}",
                "summary": about,
                "contentType": "text/plain",
                "payload": schema,
            },
        )
    for record, kind in KINDS.items():
        yield f"down_{kind}_json", _json(kind, record)


def _json(name: str, payload: type) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": name,
        "payload": {"$ref": f"#/components/schemas/{payload.__name__}"},
    }
    if name == "history":
        about = "What comes with the question comes back with the answer, on MQTT 5."
        described["bindings"] = {
            "mqtt": {
                "bindingVersion": "0.2.0",
                "correlationData": {"type": "string", "description": about},
            }
        }
    return described


# Operations.


def _receive(verb: str) -> tuple[str, dict[str, Any]]:
    described = _operation("receive", f"up_{verb}", _forms_of(verb), at_least_once=verb != "typing")
    if verb == "history":
        described["bindings"]["mqtt"]["bindingVersion"] = "0.2.0"
        described["reply"] = {
            "channel": {"$ref": "#/channels/down_history"},
            "messages": [{"$ref": "#/channels/down_history/messages/json"}],
        }
        described["description"] = (
            "On MQTT 5, a response topic below the account's own down/ (at most 200 characters in 4"
            " levels more) is answered there, with the correlation data."
        )
    return f"receive_{verb}", described


def _send(kind: str) -> tuple[str, dict[str, Any]]:
    described = _operation("send", f"down_{kind}", ["json"], at_least_once=kind != "typing")
    return f"send_{kind}", described


def _operation(
    action: str, channel: str, forms: list[str], *, at_least_once: bool
) -> dict[str, Any]:
    binding = {"bindingVersion": "0.2.0", "qos": int(at_least_once), "retain": False}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{form}"} for form in forms],
        "bindings": {"mqtt": binding},
    }
