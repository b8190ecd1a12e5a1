"""`/api`: the contract for people, made from the same documents that programs read."""

from collections.abc import Iterator
from typing import Any

from flask import render_template

from web.api.documents import asyncapi_document, openapi_document

_METHODS = ("get", "post", "put", "patch", "delete")


def reference() -> str:
    """Both documents on one page; it needs neither a login nor scripts."""
    http, mqtt = openapi_document(), asyncapi_document()
    return render_template(
        "reference.html",
        http=http,
        mqtt=mqtt,
        tags=[(tag, list(_calls_of(http, tag["name"]))) for tag in http["tags"]],
        up=_channels(mqtt, "receive"),
        down=_channels(mqtt, "send"),
        schemas=dict(sorted({**http["components"]["schemas"], **_schemas_of(mqtt)}.items())),
        name_of=_name_of,
        type_of=_type_of,
        limits_of=_limits_of,
    )


def _calls_of(http: dict[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    """What stands under one heading: method, path and operation of each call."""
    for path, item in http["paths"].items():
        for method in _METHODS:
            if method in item and tag in item[method]["tags"]:
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                yield {
                    **item[method],
                    "method": method.upper(),
                    "path": path,
                    "parameters": parameters,
                }


def _channels(mqtt: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """What is received, or sent: channel, QoS and forms of each operation."""
    found = []
    for operation in mqtt["operations"].values():
        if operation["action"] == action:
            name = _name_of(operation["channel"])
            channel = mqtt["channels"][name]
            messages = [
                mqtt["components"]["messages"][_name_of(each)]
                for each in channel["messages"].values()
            ]
            qos = operation["bindings"]["mqtt"]["qos"]
            more = operation.get("description", "")
            found.append({**channel, "name": name, "forms": messages, "qos": qos, "more": more})
    return found


def _schemas_of(mqtt: dict[str, Any]) -> dict[str, Any]:
    schemas: dict[str, Any] = mqtt["components"]["schemas"]
    return {name: schema for name, schema in schemas.items() if "properties" in schema}


def _name_of(reference: dict[str, str]) -> str:
    """What a `$ref` refers to."""
    return reference["$ref"].rpartition("/")[2]


def _type_of(schema: dict[str, Any]) -> list[tuple[str, str | None]]:
    """A schema's type in words, and the schema that each is a link to, if it is one."""
    if "$ref" in schema:
        return [(_name_of(schema), _name_of(schema))]
    if "anyOf" in schema:
        kinds = [_type_of(each) for each in schema["anyOf"]]
        return [part for kind in kinds for part in (*kind, (" or ", None))][:-1]
    if schema.get("type") == "array":
        return [("list of ", None), *_type_of(schema["items"])]
    if isinstance(schema.get("additionalProperties"), dict):
        return [("object of ", None), *_type_of(schema["additionalProperties"])]
    return [(schema.get("type") or "one of", None)]


def _limits_of(schema: dict[str, Any]) -> str:
    """What a schema asks beyond the type, in words."""
    for each in schema.get("anyOf", []):
        if each.get("type") != "null":
            return _limits_of({**each, **{k: v for k, v in schema.items() if k == "default"}})
    words = []
    if "enum" in schema:
        words.append(", ".join(str(each) for each in schema["enum"]))
    if "minLength" in schema or "maxLength" in schema:
        low, high = schema.get("minLength", 0), schema.get("maxLength")
        words.append(f"{low} to {high:,} characters" if high else f"at least {low} characters")
    if "minimum" in schema:
        words.append(f"{schema['minimum']} to {schema['maximum']}")
    if "format" in schema:
        words.append(schema["format"])
    if "pattern" in schema and "\\x00" not in schema["pattern"]:
        words.append(schema["pattern"])
    if schema.get("default") is not None:
        words.append(f"by default {schema['default']}")
    return "; ".join(words)
