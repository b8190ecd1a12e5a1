"""Where clients are told to connect: as the settings say, or else as this request found us."""

from typing import Any
from urllib.parse import urlsplit

from flask import request, url_for

from chat.hosts import address, reachable
from chat.settings import Settings

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
# Of all ports that MQTT may have, the one that is registered for TLS.
_SECURE_MQTT = 8883
# Where RabbitMQ answers WebSocket handshakes (`deploy/rabbitmq.conf`); mosquitto does anywhere.
_WEBSOCKET_PATH = "/mqtt"


def mqtt_address(settings: Settings) -> tuple[str, int]:
    """Host and port of the broker for MQTT over TCP."""
    if settings.public_mqtt is not None:
        host, _, port = settings.public_mqtt.rpartition(":")
        return host.strip("[]"), int(port)
    return _broker_host(settings), settings.mqtts_port if settings.has_tls else settings.mqtt_port


def mqtt_has_tls(settings: Settings) -> bool:
    """Whether that address is one for TLS; behind somebody else's proxy, the port says so."""
    if settings.public_mqtt is not None:
        return mqtt_address(settings)[1] == _SECURE_MQTT
    return settings.has_tls


def websocket_url(settings: Settings) -> str:
    """The broker's address for MQTT over WebSocket."""
    if settings.public_websocket_url is not None:
        return settings.public_websocket_url
    # A page that came by https may open no other kind.
    scheme = "wss" if is_https(settings) else "ws"
    # By TLS at the same port as the pages.
    port = settings.https_port if settings.has_tls else settings.websocket_port
    return f"{scheme}://{address(_broker_host(settings), port)}{_WEBSOCKET_PATH}"


def websocket_origin(settings: Settings) -> str:
    """What a page must be allowed to connect to."""
    parts = urlsplit(websocket_url(settings))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def page_url(settings: Settings, endpoint: str, **values: Any) -> str:
    """The whole address of a page, for a link that is passed on."""
    site = settings.public_url
    if site is None:
        site = f"{'https' if is_https(settings) else 'http'}://{request.host}"
    return f"{site}{url_for(endpoint, **values)}"


def site_host(settings: Settings) -> str:
    """The host of the site, as people know it."""
    return _host_of(settings.public_url) or _host_of(f"//{request.host}") or settings.host


def is_https(settings: Settings) -> bool:
    """Whether browsers come to us by https."""
    if settings.public_url is None:
        return settings.has_tls
    return settings.public_url.startswith("https://")


def _broker_host(settings: Settings) -> str:
    if settings.mqtt_host is not None and settings.mqtt_host not in _THIS_MACHINE:
        return settings.mqtt_host
    return reachable(site_host(settings))


def _host_of(url: str | None) -> str | None:
    """The host that a URL names. `request.host` is empty where the header was no host at all."""
    return urlsplit(url).hostname if url else None
