"""One request to a push service, and what came of it."""

import enum
from collections.abc import Sequence

import requests
import structlog
from py_vapid import Vapid02, VapidException
from pywebpush import WebPushException, webpush

from chat.models import PushSubscription
from push import metrics

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
    vapids: Sequence[Vapid02],
    contact: str,
) -> Outcome:
    """Send it, encrypted for that browser alone. Of one `topic` (at most 32 characters) a push
    service keeps only the newest for a browser that is away. What is refused is signed with the
    next of the keys, newest first: it may be the one that the browser subscribed with."""
    for vapid in vapids:
        outcome = _send(subscription, payload, topic, vapid, contact)
        if outcome is not Outcome.REFUSED:
            break
    metrics.TOLD.labels(outcome.value).inc()
    return outcome


def _send(
    subscription: PushSubscription, payload: bytes, topic: str, vapid: Vapid02, contact: str
) -> Outcome:
    keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
    with requests.Session() as session:
        session.max_redirects = 0  # it might lead anywhere
        try:
            webpush(
                {"endpoint": subscription.endpoint, "keys": keys},
                payload,
                vapid_private_key=vapid,
                vapid_claims={"sub": contact},
                ttl=_KEPT_FOR_SECONDS,
                headers={"Urgency": "high", "Topic": topic},
                timeout=_ANSWERS_WITHIN_SECONDS,
                requests_session=session,
            )
        except WebPushException as error:
            return _outcome(subscription, error.status_code)
        except requests.TooManyRedirects:
            return Outcome.REFUSED
        except requests.RequestException as error:
            log.warning("a push service cannot be reached", problem=type(error).__name__)
            return Outcome.UNREACHABLE
        except (VapidException, ValueError) as error:  # an address that is none for those libraries
            log.error(
                "a subscription is of no use",
                device=subscription.device_id,
                problem=type(error).__name__,
            )
            return Outcome.GONE
    return Outcome.TAKEN


def _outcome(subscription: PushSubscription, status: int | None) -> Outcome:
    if status in (404, 410):  # RFC 8030, section 7.3
        return Outcome.GONE
    if status is None or status == 429 or status >= 500:
        log.warning("a push service does not take it now", status=status)
        return Outcome.UNREACHABLE
    log.error("a push service refused", device=subscription.device_id, status=status)
    return Outcome.REFUSED
