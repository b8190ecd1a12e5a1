"""`/api/v1/devices`: the caller's devices, and what each connects to the broker with.

A browser has one device for each session. Its credential can be shown again, since it is derived;
programs are shown theirs once, when it is made. Those of a thing are its owner's business.
"""

from typing import Annotated

from flask import Blueprint, Response
from msgspec import Struct
from werkzeug.routing import BaseConverter

from chat.devices import KINDS, NAME_CHARACTERS, check_name_and_kind, device_of, devices_of
from chat.errors import BrokerUnreachable, TooManyDevices, UnknownDevice
from chat.fields import DeviceId, Time, shown_as
from chat.models import Account, Device
from chat.presence import connections_by_device
from chat.records import wire_time
from chat.times import rfc3339
from chat.topics import down_filter, up
from mqtt_acl.issuer import credentials_of
from web.addresses import mqtt_address, mqtt_has_tls, websocket_url
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import bind_to_browser, browser, caller, keep_logged_in, log_out, person
from web.contract.operations import Callers, operation
from web.devices import add_device, revoke_device, revoke_others, with_newest_secret
from web.errors import NoDeviceYet
from web.input import body_as
from web.parts import parts

devices = Blueprint("devices", __name__, url_prefix=f"{PREFIX}/devices")


class DeviceInPath(BaseConverter):
    """A device's id in an address, where `current` has a meaning of its own: it takes no DELETE."""

    regex = r"(?!current(?:/|$))[^/]+"


_Kind = Annotated[str, shown_as(enum=list(KINDS))]


class NewDevice(Struct, frozen=True):
    """What it is to be called, and what it is."""

    name: Annotated[str, shown_as("Printable.", minLength=1, maxLength=NAME_CHARACTERS)]
    kind: _Kind


class Connection(Struct, frozen=True):
    """All that a connection to the broker needs. `send_topic` is where to publish texts, with the
    recipient in place of `{to}`; `receive_filter` is what to subscribe to."""

    host: str
    port: Annotated[int, shown_as(minimum=1, maximum=65_535)]
    tls: bool
    websocket_url: str
    username: str
    password: str
    client_id: str
    send_topic: str
    receive_filter: str


class DeviceCredential(Struct, frozen=True):
    """A device and what it connects with."""

    device: DeviceId
    mqtt: Connection


class OwnDevice(Struct, frozen=True):
    """A device of the account; `current` is the one that asks. `connections` are those that say
    they are online, by the names that they gave themselves."""

    device: DeviceId
    name: str
    kind: _Kind
    created_at: Time
    last_used_at: Time | None
    connected: bool
    connections: list[str]
    current: bool


class Devices(Struct, frozen=True):
    """All devices of the account, newest first."""

    devices: list[OwnDevice]


class Revoked(Struct, frozen=True):
    """How many devices were cut off."""

    revoked: int


@devices.post("")
@operation(
    "Add a device",
    "The credential is shown this once, but to a browser. The session of a browser has at most one"
    " device: asked again for one of kind `browser`, it gets the same, with 200.",
    body=NewDevice,
    answers={201: DeviceCredential, 200: DeviceCredential},
    raises=(TooManyDevices, BrokerUnreachable),
    callers=Callers.PERSONS,
)
def add() -> Response:
    """201 with the credential. A browser that has its device already gets that one, with 200."""
    calling = person()
    asked = body_as(NewDevice)
    check_name_and_kind(asked.name, asked.kind)
    is_for_browser = calling.by_cookie and asked.kind == "browser"
    if is_for_browser and calling.device is not None:
        device = with_newest_secret(calling.account, calling.device)
        return as_json(connection_of(calling.account, device))
    device = add_device(calling.account, name=asked.name, kind=asked.kind)
    if is_for_browser:
        bind_to_browser(device)
    return as_json(connection_of(calling.account, device), 201)


@devices.get("")
@operation("The devices of the account", answers={200: Devices})
def index() -> Response:
    """All devices of the account, newest first; `current` is the one that asks."""
    calling = caller()
    with parts().database.reading() as sql:
        owned = devices_of(sql, calling.account)
        connections = connections_by_device(sql, calling.account)
    current = calling.device.id if calling.device else None
    described = [_described(device, current, connections.get(device.id, [])) for device in owned]
    return as_json(Devices(described))


@devices.delete("")
@operation(
    "Revoke all devices but the one that asks",
    "All other browsers are logged out.",
    answers={200: Revoked},
    raises=(BrokerUnreachable,),
    callers=Callers.PERSONS,
)
def revoke_all_others() -> Response:
    """How many were cut off: all but the one that asks."""
    calling = person()
    own = calling.device.id if calling.device else None
    revoked = revoke_others(calling.account, device_id=own, login_id=calling.login_id)
    return as_json(Revoked(revoked))


@devices.get("/current")
@operation(
    "The credential of this browser's own device",
    answers={200: DeviceCredential},
    raises=(NoDeviceYet,),
    callers=Callers.BROWSERS,
)
def show_current() -> Response:
    """The credential of this browser's own device."""
    calling = browser()
    if calling.device is None:
        raise NoDeviceYet
    keep_logged_in()
    device = with_newest_secret(calling.account, calling.device)
    return as_json(connection_of(calling.account, device))


@devices.get("/<device:device_id>/credential")
@operation(
    "The credential of one of the account's devices, shown again",
    answers={200: DeviceCredential},
    raises=(UnknownDevice,),
    callers=Callers.BROWSERS,
)
def show_credential(device_id: str) -> Response:
    """The credential of one of the account's devices, shown again."""
    calling = browser()
    with parts().database.reading() as sql:
        device = device_of(sql, calling.account, device_id)
    return as_json(connection_of(calling.account, device))


@devices.delete("/<device:device_id>")
@operation(
    "Revoke a device",
    "Its connection is cut within a second and its credential is dead; its browser is logged out,"
    " also when it is this one.",
    answers={204: None},
    raises=(UnknownDevice, BrokerUnreachable),
    callers=Callers.PERSONS,
)
def revoke(device_id: str) -> Response:
    """204 when the device is cut off. Its browser is logged out, also when it is this one."""
    calling = person()
    revoke_device(calling.account, device_id)
    if calling.by_cookie and calling.device is not None and calling.device.id == device_id:
        log_out()
    return nothing()


def _described(device: Device, current: str | None, connections: list[str]) -> OwnDevice:
    return OwnDevice(
        device=device.id,
        name=device.name,
        kind=device.kind,
        created_at=rfc3339(device.created_at),
        last_used_at=wire_time(device.last_used_at),
        connected=bool(connections),
        connections=connections,
        current=device.id == current,
    )


def connection_of(account: Account, device: Device) -> DeviceCredential:
    """The device with its credential."""
    settings = parts().settings
    credentials = credentials_of(account.name, device, parts().secrets.server_keys)
    host, port = mqtt_address(settings)
    connection = Connection(
        host=host,
        port=port,
        tls=mqtt_has_tls(settings),
        websocket_url=websocket_url(settings),
        username=credentials.user_name,
        password=credentials.password,
        client_id=credentials.user_name,
        send_topic=up(account.name, "{to}", "send"),
        receive_filter=down_filter(account.name),
    )
    return DeviceCredential(device.id, connection)
