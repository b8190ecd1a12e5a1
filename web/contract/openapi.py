"""The HTTP side of the contract as OpenAPI 3.1: a document made from the routes themselves.

Addresses and methods are Flask's, types those that views read and answer with, problems those of
the one table of errors; what these cannot tell stands above each view (`operations.py`).
"""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFError
from msgspec.structs import fields
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.routing import Rule

from chat.errors import AccountDisabled, NotAcceptable, ServerBusy
from chat.fields import AccountName, DeviceId, LoginDigest
from web.contract.operations import Callers, Content, Operation, operation_of
from web.contract.schemas import schemas_of
from web.errors import CodeNeeded, NotLoggedIn, OnlyForBrowsers, OnlyForPersons, TooManyAttempts
from web.problems import MEDIA_TYPE, ProblemDetails, kind_of_problem

VERSION = "1"
_ABOUT = """\
What is asked over HTTP: accounts, credentials, history, search. What is live goes over MQTT; its
side of the contract is in `/api/v1/asyncapi.json`, and both are told in `docs/protocol.md`.

Errors are problem details (RFC 9457) with a `detail` that says what was wrong. Fields that nobody
asked for are ignored, and answers may have more fields in later versions."""
_TAGS = {
    "accounts": "Register, see who one is and change it, find somebody by the exact name.",
    "things": "The caller's things, whom they may talk with, and what each connects with.",
    "logins": "The browsers that are logged in to the caller's account.",
    "second_factor": "Codes of an authenticator app, asked for beside the password.",
    "devices": "What an account connects to the broker with.",
    "push": "Whether the calling device is told of messages by Web Push.",
    "conversations": "The caller's, their preferences, and the messages of one.",
    "search": "The caller's own conversations, by what was said in them.",
    "blocks": "Of whom the caller does not want to hear.",
    "reports": "Telling those who run the server of an account.",
    "invitations": "Links for others to register with, where that is not open to all.",
    "export": "All that is kept of the caller's account.",
    "contract": "This document, and that of MQTT.",
    "operation": "For who or what looks after the server.",
}
_IN_PATHS: dict[str, Any] = {
    "name": AccountName,
    "peer": AccountName,
    "device_id": DeviceId,
    "digest": LoginDigest,
}
_SECURITY: dict[Callers, list[list[str]]] = {
    Callers.ANYBODY: [],
    Callers.ACCOUNTS: [["session"], ["basic"]],
    Callers.PERSONS: [["session"], ["basic"]],
    Callers.BROWSERS: [["session"]],
}


def openapi(app: Flask) -> dict[str, Any]:
    """The document, the same for every caller."""
    described = list(operations_of(app))
    schemas = _Schemas([each for _, _, each in described])
    paths: dict[str, dict[str, Any]] = {}
    for rule, method, each in described:
        at = paths.setdefault(template_of(rule), {})
        if rule.arguments:
            at["parameters"] = [_in_path(rule, name, schemas) for name in sorted(rule.arguments)]
        at[method.lower()] = _operation(rule, method, each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Katydid over HTTP",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This server"}],
        "tags": [{"name": name, "description": about} for name, about in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": _security_schemes(app),
        },
    }


def operations_of(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every method of every route that is described, in the order in which the site lists them."""
    for rule in app.url_map.iter_rules():
        each = operation_of(app.view_functions[rule.endpoint])
        if each is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method, each


class _Schemas:
    """The schemas of all types that the operations name."""

    def __init__(self, operations: list[Operation]) -> None:
        types = [ProblemDetails, *_IN_PATHS.values()]
        for each in operations:
            types += [answer for answer in each.answers.values() if isinstance(answer, type)]
            types += [kind for kind in (each.body, each.query) if kind is not None]
        unique = list(dict.fromkeys(types))
        found, self.components = schemas_of(unique)
        self._schemas = dict(zip(unique, found, strict=True))
        # A query is told parameter by parameter.
        self._queries = {
            each.query: self.components.pop(each.query.__name__)
            for each in operations
            if each.query is not None and each.query.__name__ in self.components
        }

    def of(self, kind: Any) -> dict[str, Any]:
        schema: dict[str, Any] = self._schemas[kind]
        return schema

    def parameters_of(self, query: Any) -> dict[str, Any]:
        properties: dict[str, Any] = self._queries[query]["properties"]
        return properties


def template_of(rule: Rule) -> str:
    """The path of a rule as OpenAPI writes it."""
    return re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)


def _in_path(rule: Rule, name: str, schemas: _Schemas) -> dict[str, Any]:
    # A KeyError here means that a new name in a path is not in the table above yet.
    return {"name": name, "in": "path", "required": True, "schema": schemas.of(_IN_PATHS[name])}


def _operation(rule: Rule, method: str, each: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": each.summary,
        "tags": [_tag(rule)],
    }
    if each.description:
        described["description"] = each.description
    if each.query is not None:
        described["parameters"] = list(_in_query(each.query, schemas))
    if each.body is not None:
        json = {"application/json": {"schema": schemas.of(each.body)}}
        described["requestBody"] = {"required": True, "content": json}
    described["security"] = [
        {name: [] for name in [*schemes, *_proof(schemes, method)]}
        for schemes in _SECURITY[each.callers]
    ]
    answers = {
        str(status): _answer(status, answer, each, schemas)
        for status, answer in each.answers.items()
    }
    described["responses"] = answers | _problems(rule, method, each)
    return described


def _tag(rule: Rule) -> str:
    blueprint, dot, _ = rule.endpoint.partition(".")
    return blueprint if dot else "operation"


def _in_query(query: type, schemas: _Schemas) -> Iterator[dict[str, Any]]:
    properties = schemas.parameters_of(query)
    for field in fields(query):
        schema = dict(properties[field.encode_name])
        # What is None is a parameter that was not given; it cannot be null.
        if "anyOf" in schema:
            [wanted] = [each for each in schema["anyOf"] if each.get("type") != "null"]
            schema = wanted
        description = schema.pop("description", None)
        parameter = {"name": field.encode_name, "in": "query", "required": field.required}
        if description:
            parameter["description"] = description
        yield {**parameter, "schema": schema}


def _proof(schemes: list[str], method: str) -> list[str]:
    """Writes of a browser carry a token beside the cookie."""
    return ["token"] if "session" in schemes and method != "GET" else []


def _answer(
    status: int, answer: type | Content | None, each: Operation, schemas: _Schemas
) -> dict[str, Any]:
    if answer is None:
        described: dict[str, Any] = {"description": "It is done."}
    elif isinstance(answer, Content):
        content = {answer.mimetype: {"schema": dict(answer.schema)}}
        described = {"description": answer.description, "content": content}
    else:
        schema = schemas.of(answer)
        about = schemas.components[answer.__name__].get("description", HTTP_STATUS_CODES[status])
        content = {"application/json": {"schema": schema}}
        described = {"description": about, "content": content}
    if each.headers and status < 300:
        described["headers"] = {
            name: {"description": about, "schema": {"type": "string"}}
            for name, about in each.headers.items()
        }
    return described


# Problems.


def _problems(rule: Rule, method: str, each: Operation) -> dict[str, Any]:
    if not rule.rule.startswith("/api/"):
        return {}  # for whom no problem is foreseen, but those that the answer itself tells
    kinds: dict[int, dict[str, str]] = {}
    for error in (*each.raises, *_foreseen(method, each)):
        kind = kind_of_problem(error)
        kinds.setdefault(kind.status, {})[kind.title] = kind.type
    return {str(status): _problem(status, kinds[status]) for status in sorted(kinds)}


def _foreseen(method: str, each: Operation) -> Iterator[type[Exception]]:
    """What goes without saying at the views."""
    yield OperationalError
    if each.callers is not Callers.ANYBODY:
        yield from (NotLoggedIn, AccountDisabled, CodeNeeded, TooManyAttempts, ServerBusy)
    if each.callers is Callers.BROWSERS:
        yield OnlyForBrowsers
    if each.callers is Callers.PERSONS:
        yield OnlyForPersons
    if method != "GET":
        yield from (CSRFError, RequestEntityTooLarge)
    if each.body is not None:
        yield from (BadRequest, UnsupportedMediaType, NotAcceptable)
    if each.query is not None:
        yield NotAcceptable


def _problem(status: int, types: dict[str, str]) -> dict[str, Any]:
    """The problems of one status: `type` tells which it is."""
    which = {"properties": {"type": {"enum": sorted(set(types.values()))}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/ProblemDetails"}, which]}
    described: dict[str, Any] = {
        "description": " · ".join(sorted(types)),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
    if status in (429, 503):
        seconds = {"type": "string", "pattern": "^[0-9]+$"}
        described["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": seconds}
        }
    if status == 401:
        challenge = {"description": "How to log in.", "schema": {"type": "string"}}
        described["headers"] = {"WWW-Authenticate": challenge}
    return described


def _security_schemes(app: Flask) -> dict[str, Any]:
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": app.config["SESSION_COOKIE_NAME"],
            "description": "The session of a browser, which began at the page /login.",
        },
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRFToken",
            "description": "That the browser's own page asks: `meta[name=csrf-token]` of a page.",
        },
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "Account name and password, or a device's user name and password. With"
            " the password of an account that has a second factor comes the header `Katydid-Code`:"
            " a code of the app, or a recovery code, each of which is good for one request.",
        },
    }
