"""`/vendor/mqtt.js`: the MQTT client for browsers, from where npm has put it."""

from flask import Response, send_file

from chat.settings import REPOSITORY

_MQTT_JS = REPOSITORY / "node_modules" / "mqtt" / "dist" / "mqtt.esm.js"


def vendor() -> Response:
    """The module. The browser keeps it, and asks each time whether it is still the same."""
    return send_file(_MQTT_JS, mimetype="text/javascript")
