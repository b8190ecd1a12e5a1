"""The table of attacks: every row that there is."""

from collections.abc import Sequence

from attacks.attack import Attack
from attacks.cases import (
    admins,
    backups,
    callers,
    command_line,
    door,
    files,
    http_bytes,
    identity,
    logins,
    names,
    packets,
    pages,
    passwords,
    publishing,
    races,
    reports,
    requests,
    reset_links,
    second_factor,
    sessions,
    strangers,
    subscribing,
    websockets,
)

_DOORS = (
    subscribing.MQTT_DOOR,
    publishing.MQTT_DOOR,
    identity.MQTT_DOOR,
    packets.MQTT_DOOR,
    sessions.MQTT_DOOR,
    strangers.MQTT_DOOR,
    websockets.WEBSOCKET_DOOR,
    callers.HTTP_DOOR,
    requests.HTTP_DOOR,
    http_bytes.HTTP_DOOR,
    names.HTTP_DOOR,
    races.HTTP_DOOR,
    pages.HTTP_DOOR,
    admins.HTTP_DOOR,
    reset_links.HTTP_DOOR,
    reports.HTTP_DOOR,
    second_factor.HTTP_DOOR,
    logins.HTTP_DOOR,
    passwords.HTTP_DOOR,
    door.QUESTIONS_DOOR,
    files.FILES_DOOR,
    backups.FILES_DOOR,
    command_line.COMMAND_LINE_DOOR,
)


def attacks() -> Sequence[Attack]:
    """All of them, in the order of the table."""
    return [attack for door in _DOORS for attack in door.attacks]
