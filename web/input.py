"""What callers of the API send: JSON bodies and query parameters, read and judged by their kind.

Whether a name or a password is acceptable is chat's to say. What does not fit raises NotAcceptable
with the field's name, what is not even JSON an HTTP error.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
from flask import request
from msgspec import Struct, UnsetType
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from chat.errors import NotAcceptable
from chat.fields import LARGEST_SEQ
from chat.times import LATEST_MS, milliseconds

# As many digits as 2^53 has; what is larger is out of every range.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)

T = TypeVar("T", bound=Struct)


def body_as(kind: type[T]) -> T:
    """The body, each field read as its type says. Whether it is acceptable is chat's to say."""
    body = json_object()
    values = {
        field: _FROM_BODY[hint](body, field)
        for field, hint in _hints_of(kind).items()
        if field in body or not _may_be_unset(hint)
    }
    return kind(**values)


def query_as(kind: type[T]) -> T:
    """The query, each parameter read as its type says; what is not there has its default."""
    read = {name: _FROM_QUERY[hint](name) for name, hint in _hints_of(kind).items()}
    given = {name: value for name, value in read.items() if value is not None}
    for name in _required_by(kind):
        if name not in given:
            raise NotAcceptable(name, "is missing; it must be given")
    return kind(**given)


@cache
def _hints_of(kind: type[Struct]) -> dict[str, Any]:
    """Worked out once: it takes longer than all else here."""
    return get_type_hints(kind)


@cache
def _required_by(kind: type[Struct]) -> list[str]:
    return [field.name for field in msgspec.structs.fields(kind) if field.required]


def _may_be_unset(hint: Any) -> bool:
    return UnsetType in getattr(hint, "__args__", ())


def json_object() -> dict[str, Any]:
    """The body as a JSON object. Fields that nobody asked for are ignored, for later versions."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the body as JSON, with Content-Type: application/json.")
    try:
        value = msgspec.json.decode(_body())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    if not isinstance(value, dict):
        raise NotAcceptable("body", "must be a JSON object")
    return value


def _body() -> bytes:
    """The whole body. Werkzeug 3.1.9 refuses one that says it is too long, but silently cuts off
    one that comes in chunks and does not say how long it will be."""
    body = request.get_data()
    if request.content_length is None and len(body) == request.max_content_length:
        raise RequestEntityTooLarge
    return body


def text(body: dict[str, Any], field: str) -> str:
    """A field that must be there, as a string."""
    value = body.get(field)
    if not isinstance(value, str):
        problem = "must be a string" if field in body else "is missing; it must be a string"
        raise NotAcceptable(field, problem)
    return value


def optional_text(body: dict[str, Any], field: str) -> str | None:
    """A field that may be a string, null, or not there."""
    return None if body.get(field) is None else text(body, field)


def optional_boolean(body: dict[str, Any], field: str) -> bool | None:
    """A field that may be true, false, or not there."""
    if field not in body:
        return None
    value = body[field]
    if not isinstance(value, bool):
        raise NotAcceptable(field, "must be true or false")
    return value


def seqs(body: dict[str, Any], field: str) -> list[int]:
    """A field that may be a list of numbers of messages, or not there."""
    value = body.get(field, [])
    if not isinstance(value, list) or not all(_is_seq(each) for each in value):
        raise NotAcceptable(field, f"must be a list of whole numbers from 1 to {LARGEST_SEQ}")
    return value


def _is_seq(value: Any) -> bool:
    return type(value) is int and 1 <= value <= LARGEST_SEQ


def whole_number_or_null(body: dict[str, Any], field: str) -> int | None:
    """A field that is a whole number or null; its range is chat's to judge."""
    value = body.get(field)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise NotAcceptable(field, "must be a whole number or null")
    return value


def parameter(name: str) -> str | None:
    """A query parameter that may be there once."""
    values = request.args.getlist(name)
    if len(values) > 1:
        raise NotAcceptable(name, "must be given once")
    return values[0] if values else None


def point_in_time(name: str) -> datetime | None:
    """A query parameter that may be there once: a time (RFC 3339), or a date, as UTC has it."""
    value = parameter(name)
    if value is None:
        return None
    try:
        time = msgspec.convert(value, date if _DATE.fullmatch(value) else datetime)
    except msgspec.ValidationError:
        time = None
    if isinstance(time, date) and not isinstance(time, datetime):
        time = datetime(time.year, time.month, time.day, tzinfo=UTC)
    if time is None or time.tzinfo is None or not 0 <= milliseconds(time) <= LATEST_MS:
        problem = (
            "must be a date, such as 2026-11-23, or a time with its zone (RFC 3339), from 1970 on"
        )
        raise NotAcceptable(name, problem)
    return time


def whole_number(name: str) -> int | None:
    """A query parameter that may be there once, in digits; its range is chat's to judge."""
    values = request.args.getlist(name)
    if not values:
        return None
    if len(values) > 1 or not _WHOLE_NUMBER.fullmatch(values[0]):
        raise NotAcceptable(name, "must be one whole number of at most 16 digits")
    return int(values[0])


# How a field or parameter of each type is read.
_FROM_BODY: dict[Any, Callable[[dict[str, Any], str], Any]] = {
    str: text,
    str | UnsetType: text,
    str | None: optional_text,
    bool | UnsetType: optional_boolean,
    list[int]: seqs,
    int | UnsetType | None: whole_number_or_null,
}
_FROM_QUERY: dict[Any, Callable[[str], Any]] = {
    str: parameter,
    str | None: parameter,
    int: whole_number,
    int | None: whole_number,
    datetime | None: point_in_time,
}
