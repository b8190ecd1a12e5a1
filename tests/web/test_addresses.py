"""Where clients are told to connect: never to an address that is only there to listen on."""

import pytest
from flask import Flask

from chat.settings import settings_from
from web.addresses import mqtt_address, mqtt_has_tls, websocket_origin, websocket_url

# What is in them is not looked at here.
TLS = {"KATYDID_TLS_CERTIFICATE": __file__, "KATYDID_TLS_KEY": __file__}
PORTS = {"KATYDID_MQTT_PORT": "1884", "KATYDID_WEBSOCKET_PORT": "9002"}


@pytest.mark.parametrize(
    ("environ", "host_header", "mqtt", "websocket"),
    [
        ({}, "localhost:8000", ("localhost", 1884), "ws://localhost:9002/mqtt"),
        ({}, "192.168.1.5:8000", ("192.168.1.5", 1884), "ws://192.168.1.5:9002/mqtt"),
        ({}, "[::1]:8000", ("::1", 1884), "ws://[::1]:9002/mqtt"),
        ({}, "0.0.0.0:8000", ("127.0.0.1", 1884), "ws://127.0.0.1:9002/mqtt"),
        ({}, "[::]:8000", ("::1", 1884), "ws://[::1]:9002/mqtt"),
        (
            {"KATYDID_HOST": "0.0.0.0"},  # noqa: S104
            "not a host",
            ("127.0.0.1", 1884),
            "ws://127.0.0.1:9002/mqtt",
        ),
        (
            {"KATYDID_MQTT_HOST": "mq.example"},
            "localhost",
            ("mq.example", 1884),
            "ws://mq.example:9002/mqtt",
        ),
        (
            {"KATYDID_MQTT_HOST": "127.0.0.1"},
            "chat.lan",
            ("chat.lan", 1884),
            "ws://chat.lan:9002/mqtt",
        ),
        (
            {"KATYDID_PUBLIC_URL": "http://chat.example"},
            "127.0.0.1:8000",
            ("chat.example", 1884),
            "ws://chat.example:9002/mqtt",
        ),
        (
            {"KATYDID_PUBLIC_URL": "https://chat.example"},
            "127.0.0.1:8000",
            ("chat.example", 1884),
            "wss://chat.example:9002/mqtt",
        ),
        (
            {
                "KATYDID_PUBLIC_MQTT": "mq.example:8883",
                "KATYDID_PUBLIC_WEBSOCKET_URL": "wss://chat.example/mqtt",
            },
            "127.0.0.1:8000",
            ("mq.example", 8883),
            "wss://chat.example/mqtt",
        ),
        (TLS, "localhost:8443", ("localhost", 8883), "wss://localhost:8443/mqtt"),
        (
            TLS | {"KATYDID_PUBLIC_URL": "https://chat.example", "KATYDID_HTTPS_PORT": "443"},
            "localhost",
            ("chat.example", 8883),
            "wss://chat.example:443/mqtt",
        ),
        (
            {"KATYDID_BROKER": "rabbitmq"},
            "localhost",
            ("localhost", 1884),
            "ws://localhost:9002/mqtt",
        ),
    ],
)
def test_clients_are_told_where_they_can_go(
    environ: dict[str, str], host_header: str, mqtt: tuple[str, int], websocket: str
) -> None:
    settings = settings_from(PORTS | environ)

    with Flask("test").test_request_context(headers={"Host": host_header}):
        assert mqtt_address(settings) == mqtt
        assert websocket_url(settings) == websocket
        assert websocket.startswith(websocket_origin(settings))


@pytest.mark.parametrize(
    ("environ", "has_tls"),
    [
        ({}, False),
        (TLS, True),
        ({"KATYDID_PUBLIC_URL": "https://chat.example"}, False),
        ({"KATYDID_PUBLIC_MQTT": "mq.example:8883"}, True),
        (TLS | {"KATYDID_PUBLIC_MQTT": "mq.example:1883"}, False),
    ],
)
def test_programs_are_told_whether_tls_is_spoken_there(
    environ: dict[str, str], has_tls: bool
) -> None:
    assert mqtt_has_tls(settings_from(environ)) == has_tls
