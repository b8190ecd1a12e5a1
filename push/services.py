"""One request to a push service, and what came of it."""

import enum
import functools
import ssl
from collections.abc import Sequence

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from chat.models import PushSubscription
from chat.times import now
from push import metrics
from push.encryption import encrypted
from push.vapid import authorization

_ANSWERS_WITHIN_SECONDS = 10.0
# Who does not look at the phone for a week needs no notification of what was then.
_KEPT_FOR_SECONDS = 7 * 86_400

log = structlog.get_logger()


class Outcome(enum.Enum):
    """What a push service made of a request."""

    TAKEN = "taken"
    GONE = "gone"  # the browser has given the subscription up
    REFUSED = "refused"  # and would be again
    UNREACHABLE = "unreachable"  # now; later it may be taken


def tell(
    subscription: PushSubscription,
    payload: bytes,
    *,
    topic: str,
    keys: Sequence[ec.EllipticCurvePrivateKey],
    contact: str,
) -> Outcome:
    """Send it, encrypted for that browser alone. Of one `topic` (at most 32 characters) a push
    service keeps only the newest for a browser that is away. What is refused is signed with the
    next of the keys, newest first: it may be the one that the browser subscribed with."""
    for key in keys:
        outcome = _send(subscription, payload, topic, key, contact)
        if outcome is not Outcome.REFUSED:
            break
    metrics.TOLD.labels(outcome.value).inc()
    return outcome


def _send(
    subscription: PushSubscription,
    payload: bytes,
    topic: str,
    key: ec.EllipticCurvePrivateKey,
    contact: str,
) -> Outcome:
    endpoint = subscription.endpoint
    try:
        answer = httpx.post(
            endpoint,
            content=encrypted(payload, p256dh=subscription.p256dh, auth=subscription.auth),
            headers={
                "Authorization": authorization(endpoint, key=key, contact=contact, now=now()),
                "Content-Encoding": "aes128gcm",
                "Topic": topic,
                "TTL": f"{_KEPT_FOR_SECONDS}",
                "Urgency": "high",
            },
            timeout=_ANSWERS_WITHIN_SECONDS,
            verify=_trusted(),
            follow_redirects=False,  # it might lead anywhere
        )
    except httpx.HTTPError as error:
        log.warning("a push service cannot be reached", problem=type(error).__name__)
        return Outcome.UNREACHABLE
    except (httpx.InvalidURL, ValueError) as error:  # what looked like an address, or a key
        log.error(
            "a subscription is of no use",
            device=subscription.device_id,
            problem=type(error).__name__,
        )
        return Outcome.GONE
    return Outcome.TAKEN if answer.is_success else _outcome(subscription, answer.status_code)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates hold; read once, since to read them takes longer than to ask."""
    return httpx.create_ssl_context()


def _outcome(subscription: PushSubscription, status: int) -> Outcome:
    if status in (404, 410):  # RFC 8030, section 7.3
        return Outcome.GONE
    if status == 429 or status >= 500:
        log.warning("a push service does not take it now", status=status)
        return Outcome.UNREACHABLE
    log.error("a push service refused", device=subscription.device_id, status=status)
    return Outcome.REFUSED
