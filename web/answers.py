"""Answers of the API that are no errors: anything of ours as JSON."""

from typing import Any

import msgspec
from flask import Response


def as_json(value: Any, status: int = 200) -> Response:
    """The value as a JSON answer; chat's records take their wire form."""
    return Response(msgspec.json.encode(value), status, mimetype="application/json")


def nothing() -> Response:
    """It is done, and there is nothing to say."""
    return Response(status=204)
