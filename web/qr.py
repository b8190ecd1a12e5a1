"""What a thing connects with as one line, and any such line as a QR code, for a camera."""

import segno

from web.api.devices import Connection


def thing_url(mqtt: Connection, owner: str) -> str:
    """All that a thing needs to know, its owner's name included (`docs/things/README.md`): user
    name, which is the client id too, password, broker, and the topic below which it publishes.
    Nothing in it needs to be escaped."""
    scheme = "mqtts" if mqtt.tls else "mqtt"
    host = f"[{mqtt.host}]" if ":" in mqtt.host else mqtt.host
    login = f"{mqtt.username}:{mqtt.password}"
    topic = mqtt.send_topic.removesuffix("/{to}/send")
    return f"{scheme}://{login}@{host}:{mqtt.port}/{topic}?owner={owner}"


def qr_code(text: str) -> str:
    """An SVG in a data URL, dark on light whatever the page looks like, as cameras want it."""
    code = segno.make_qr(text, error="m")
    url: str = code.svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    return url
