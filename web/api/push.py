"""`/api/v1/devices/current/push`: whether the calling device is told of messages by Web Push."""

from typing import Annotated

from flask import Blueprint, Response
from msgspec import Struct

from chat.fields import shown_as
from chat.models import Device
from chat.push_keys import public_key_of
from chat.subscriptions import ENDPOINT_CHARACTERS, is_subscribed, subscribe, unsubscribe
from chat.times import now
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import caller
from web.contract.operations import operation
from web.errors import NoDeviceYet
from web.input import body_as
from web.parts import parts

push = Blueprint("push", __name__, url_prefix=f"{PREFIX}/devices/current/push")


class PushState(Struct, frozen=True):
    """Whether the device is told, and the key that a browser subscribes with."""

    subscribed: bool
    application_server_key: str


class Subscription(Struct, frozen=True):
    """What a browser's `PushSubscription` says: where it takes what it is told, and its keys, in
    base64url."""

    endpoint: Annotated[str, shown_as(format="uri", maxLength=ENDPOINT_CHARACTERS)]
    p256dh: str
    auth: str


@push.get("")
@operation("Whether this device is told", answers={200: PushState}, raises=(NoDeviceYet,))
def show() -> Response:
    """Whether it is told, and the key that a browser subscribes with."""
    device = _device()
    with parts().database.reading() as sql:
        subscribed = is_subscribed(sql, device)
    key = public_key_of(parts().secrets)
    return as_json(PushState(subscribed, key))


@push.put("")
@operation(
    "Tell this device from now on",
    "In place of a subscription from before. Only push services that the server's settings name are"
    " asked.",
    body=Subscription,
    answers={204: None},
    raises=(NoDeviceYet,),
)
def begin() -> Response:
    """204; a subscription in place of one from before."""
    device, asked = _device(), body_as(Subscription)
    with parts().database.writing() as sql:
        subscribe(
            sql,
            device,
            endpoint=asked.endpoint,
            p256dh=asked.p256dh,
            auth=asked.auth,
            services=parts().settings.push_services,
            now=now(),
        )
    return nothing()


@push.delete("")
@operation(
    "Tell this device no more",
    "Also when it was not told before.",
    answers={204: None},
    raises=(NoDeviceYet,),
)
def end() -> Response:
    """204, also when it was not told before."""
    device = _device()
    with parts().database.writing() as sql:
        unsubscribe(sql, device)
    return nothing()


def _device() -> Device:
    device = caller().device
    if device is None:
        raise NoDeviceYet
    return device
