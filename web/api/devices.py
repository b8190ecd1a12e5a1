"""`/api/v1/devices`: the caller's devices, and what each connects to the broker with.

A browser has one device for each session. Its credential can be shown again, since it is derived;
programs are shown theirs once, when it is made.
"""

from typing import Any

from flask import Blueprint, Response

from chat.conversations import wire_time
from chat.devices import device_of, devices_of
from chat.models import Account, Device
from chat.presence import connected_devices
from chat.times import rfc3339
from chat.topics import down_filter, up
from mqtt_acl.issuer import credentials_of
from web.addresses import mqtt_address, mqtt_has_tls, websocket_url
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import bind_to_browser, browser, caller, keep_logged_in, log_out
from web.devices import add_device, revoke_device, revoke_others
from web.errors import NoDeviceYet
from web.input import json_object, text
from web.parts import parts

devices = Blueprint("devices", __name__, url_prefix=f"{PREFIX}/devices")


@devices.post("")
def add() -> Response:
    """201 with the credential. A browser that has its device already gets that one, with 200."""
    calling = caller()
    body = json_object()
    name, kind = text(body, "name"), text(body, "kind")
    is_for_browser = calling.by_cookie and kind == "browser"
    if is_for_browser and calling.device is not None:
        return as_json(_with_credential(calling.account, calling.device))
    device = add_device(calling.account, name=name, kind=kind)
    if is_for_browser:
        bind_to_browser(device)
    return as_json(_with_credential(calling.account, device), 201)


@devices.get("")
def index() -> Response:
    """All devices of the account, newest first; `current` is the one that asks."""
    calling = caller()
    with parts().database.reading() as sql:
        owned = devices_of(sql, calling.account)
        connected = connected_devices(sql, calling.account)
    current = calling.device.id if calling.device else None
    described = [_described(device, current, device.id in connected) for device in owned]
    return as_json({"devices": described})


@devices.delete("")
def revoke_all_others() -> Response:
    """How many were cut off: all but the one that asks. Raises BrokerUnreachable."""
    calling = caller()
    own = calling.device.id if calling.device else None
    revoked = revoke_others(calling.account, device_id=own, login_id=calling.login_id)
    return as_json({"revoked": revoked})


@devices.get("/current")
def show_current() -> Response:
    """The credential of this browser's own device. Raises NoDeviceYet."""
    calling = browser()
    if calling.device is None:
        raise NoDeviceYet
    keep_logged_in()
    return as_json(_with_credential(calling.account, calling.device))


@devices.get("/<device_id>/credential")
def show_credential(device_id: str) -> Response:
    """The credential of one of the account's devices, shown again. Raises UnknownDevice."""
    calling = browser()
    with parts().database.reading() as sql:
        device = device_of(sql, calling.account, device_id)
    return as_json(_with_credential(calling.account, device))


@devices.delete("/<device_id>")
def revoke(device_id: str) -> Response:
    """204 when the device is cut off. Its browser is logged out, also when it is this one."""
    calling = caller()
    revoke_device(calling.account, device_id)
    if calling.by_cookie and calling.device is not None and calling.device.id == device_id:
        log_out()
    return nothing()


def _described(device: Device, current: str | None, connected: bool) -> dict[str, Any]:
    return {
        "device": device.id,
        "name": device.name,
        "kind": device.kind,
        "created_at": rfc3339(device.created_at),
        "last_used_at": wire_time(device.last_used_at),
        "connected": connected,
        "current": device.id == current,
    }


def _with_credential(account: Account, device: Device) -> dict[str, Any]:
    settings = parts().settings
    credentials = credentials_of(account.name, device, parts().secrets.server_key)
    host, port = mqtt_address(settings)
    return {
        "device": device.id,
        "mqtt": {
            "host": host,
            "port": port,
            "tls": mqtt_has_tls(settings),
            "websocket_url": websocket_url(settings),
            "username": credentials.user_name,
            "password": credentials.password,
            "client_id": credentials.user_name,
            "send_topic": up(account.name, "{to}", "send"),
            "receive_filter": down_filter(account.name),
        },
    }
