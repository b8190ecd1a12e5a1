"""`/api/v1/openapi.json` and `/api/v1/asyncapi.json`: the contract, for programs to read."""

from typing import Any

from flask import Blueprint, Response, current_app

from web.addresses import mqtt_address, mqtt_has_tls, websocket_url
from web.answers import as_json
from web.api import PREFIX
from web.contract.asyncapi import MqttAddresses, asyncapi
from web.contract.openapi import openapi
from web.contract.operations import Callers, Content, operation
from web.parts import parts

documents = Blueprint("contract", __name__, url_prefix=PREFIX)

_AN_OBJECT = {"type": "object"}


@documents.get("/openapi.json")
@operation(
    "The contract over HTTP",
    answers={200: Content("application/json", "OpenAPI 3.1: this document.", _AN_OBJECT)},
    callers=Callers.ANYBODY,
)
def show_openapi() -> Response:
    """OpenAPI 3.1."""
    return as_json(openapi_document())


@documents.get("/asyncapi.json")
@operation(
    "The contract over MQTT",
    answers={200: Content("application/json", "AsyncAPI 3.0.", _AN_OBJECT)},
    callers=Callers.ANYBODY,
)
def show_asyncapi() -> Response:
    """AsyncAPI 3.0, with the addresses at which this server's broker is found."""
    return as_json(asyncapi_document())


def openapi_document() -> dict[str, Any]:
    """Made once for each site: it says the same to everybody."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    document: dict[str, Any] = app.extensions.setdefault("katydid openapi", {})
    if not document:
        document.update(openapi(app))
    return document


def asyncapi_document() -> dict[str, Any]:
    """For whoever asks: the addresses depend on where the request came in."""
    settings = parts().settings
    host, port = mqtt_address(settings)
    return asyncapi(
        MqttAddresses(
            host=host,
            port=port,
            has_tls=mqtt_has_tls(settings),
            websocket_url=websocket_url(settings),
        )
    )
