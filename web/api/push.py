"""`/api/v1/devices/current/push`: whether the calling device is told of messages by Web Push."""

from flask import Blueprint, Response

from chat.models import Device
from chat.push_keys import public_key_of
from chat.subscriptions import is_subscribed, subscribe, unsubscribe
from chat.times import now
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import caller
from web.errors import NoDeviceYet
from web.input import json_object, text
from web.parts import parts

push = Blueprint("push", __name__, url_prefix=f"{PREFIX}/devices/current/push")


@push.get("")
def show() -> Response:
    """Whether it is told, and the key that a browser subscribes with. Raises NoDeviceYet."""
    device = _device()
    with parts().database.reading() as sql:
        subscribed = is_subscribed(sql, device)
    key = public_key_of(parts().secrets)
    return as_json({"subscribed": subscribed, "application_server_key": key})


@push.put("")
def begin() -> Response:
    """204; a subscription in place of one from before. Raises NotAcceptable and NoDeviceYet."""
    device, body = _device(), json_object()
    endpoint, p256dh, auth = (text(body, field) for field in ("endpoint", "p256dh", "auth"))
    with parts().database.writing() as sql:
        subscribe(
            sql,
            device,
            endpoint=endpoint,
            p256dh=p256dh,
            auth=auth,
            services=parts().settings.push_services,
            now=now(),
        )
    return nothing()


@push.delete("")
def end() -> Response:
    """204, also when it was not told before. Raises NoDeviceYet."""
    device = _device()
    with parts().database.writing() as sql:
        unsubscribe(sql, device)
    return nothing()


def _device() -> Device:
    device = caller().device
    if device is None:
        raise NoDeviceYet
    return device
