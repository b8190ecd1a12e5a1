"""Push subscriptions: where a browser takes what it is told while no page of ours is open.

A push service is somebody else's server that we send requests to because a client says so: only
those that the settings name are (`KATYDID_PUSH_SERVICES`), by https alone.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from sqlmodel import Session, col, delete, select

from chat.errors import NotAcceptable
from chat.models import Device, PushSubscription

ENDPOINT_CHARACTERS = 1024
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ENDPOINT = re.compile(
    rf"https://(?P<host>{_LABEL}(?:\.{_LABEL})*)(?::(?P<port>[0-9]{{1,5}}))?/[!-~]*", re.ASCII
)
_AUTH_BYTES = 16  # RFC 8291, section 3.2
# As browsers write it, and as long as the columns are.
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,87}", re.ASCII)


def subscribe(
    session: Session,
    device: Device,
    *,
    endpoint: str,
    p256dh: str,
    auth: str,
    services: Iterable[str],
    now: datetime,
) -> None:
    """Tell this device from now on; one subscription replaces the other. Raises NotAcceptable."""
    _check_endpoint(endpoint, services)
    _check_p256dh(p256dh)
    _check_auth(auth)
    # The browser's own from before, and that of whoever was logged in there before.
    is_same = (col(PushSubscription.device_id) == device.id) | (
        col(PushSubscription.endpoint) == endpoint
    )
    session.exec(delete(PushSubscription).where(is_same))
    session.add(
        PushSubscription(
            device_id=device.id,
            account_id=device.account_id,
            endpoint=endpoint,
            p256dh=p256dh,
            auth=auth,
            created_at=now,
        )
    )


def unsubscribe(session: Session, device: Device) -> None:
    """Tell the device no more; it may not have been told before."""
    session.exec(delete(PushSubscription).where(col(PushSubscription.device_id) == device.id))


def forget_subscription(session: Session, endpoint: str) -> None:
    """The browser has given it up, as its push service says."""
    session.exec(delete(PushSubscription).where(col(PushSubscription.endpoint) == endpoint))


def subscriptions_of(session: Session, account_id: int) -> list[PushSubscription]:
    """Where the account's browsers are told."""
    wanted = select(PushSubscription).where(PushSubscription.account_id == account_id)
    return list(session.exec(wanted))


def is_subscribed(session: Session, device: Device) -> bool:
    """Whether the device is told."""
    return session.get(PushSubscription, device.id) is not None


def _check_endpoint(endpoint: str, services: Iterable[str]) -> None:
    if len(endpoint) > ENDPOINT_CHARACTERS:
        raise NotAcceptable(
            "endpoint", f"must be a URL of at most {ENDPOINT_CHARACTERS} characters"
        )
    # Stricter than a URL has to be, so that nobody reads another host in it than we do.
    parts = _ENDPOINT.fullmatch(endpoint)
    if parts is None:
        raise NotAcceptable("endpoint", "must be a plain URL that begins with https://")
    host, port = parts["host"].lower(), parts["port"] or "443"
    place = host if port == "443" else f"{host}:{port}"
    if not any(_is_of(place, service) for service in services):
        raise NotAcceptable("endpoint", f"{place} is no push service that this server sends to")


def _is_of(place: str, service: str) -> bool:
    """`*.example.com` stands for all hosts below it."""
    return place.endswith(service[1:]) if service.startswith("*.") else place == service


def _check_p256dh(text: str) -> None:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decoded(text))
    except ValueError:
        raise NotAcceptable("p256dh", "must be a point of P-256 in base64url") from None


def _check_auth(text: str) -> None:
    if len(_decoded(text)) != _AUTH_BYTES:
        raise NotAcceptable("auth", f"must be {_AUTH_BYTES} bytes in base64url")


def _decoded(text: str) -> bytes:
    """Nothing, when it is not in base64url."""
    if not _BASE64URL.fullmatch(text):
        return b""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""
