"""Whether RabbitMQ keeps what devices publish: it does when the bridge's 16 sessions are there.

A broker acknowledges a message that nobody is subscribed to, and forgets it. So no device is let in
before all sessions are there: their queues, and that they are bound to what they are for. Whether a
bridge is connected does not matter, for the queues are on the nodes' disks.

The broker is asked, since nobody else can know: one that lost its state, or let a session expire,
tells nobody. The bridge's word in SQL would still be there.
"""

import threading
import time
from urllib.parse import quote

import structlog

from chat.errors import BrokerUnreachable
from chat.topics import SHARDS, shard_digit, up_filter
from chat.user_names import bridge_user_name
from mqtt_acl.http_auth import EXCHANGE, VHOST, queues_of, routing_key
from mqtt_acl.management import Management

# A RabbitMQ that lost its state needs longer than this to start (2.5 s here), and until it has
# started, it lets nobody in: a yes that is this old is never one of the time before.
_YES_LASTS_SECONDS = 1.0
# All who are refused come again at about the same time.
_NO_LASTS_SECONDS = 0.2
# RabbitMQ 4.3 writes down which queues it has half a second after there was no new one for half a
# second; of one that it did not write down it forgets all that is in it, when it is killed.
_WRITTEN_DOWN_WITHIN_SECONDS = 1.5

log = structlog.get_logger()


class BridgeSessions:
    """What the broker says about them, remembered for a moment. Safe for use by several threads,
    of whom one asks and the others wait for its answer."""

    def __init__(self, management: Management) -> None:
        self._management = management
        self._lock = threading.Lock()
        self._are_there = False
        self._good_until = 0.0

    def are_there(self) -> bool:
        """Whether all are; a broker that cannot say so counts as one that has none. Takes a moment
        longer when they were not there before, for they may be new."""
        with self._lock:
            if time.monotonic() >= self._good_until:
                if not self._are_there and self._problem() is None:
                    time.sleep(_WRITTEN_DOWN_WITHIN_SECONDS)
                # From before the question: what is answered may be as old as that.
                asked_at = time.monotonic()
                self._remember(self._problem())
                lasts = _YES_LASTS_SECONDS if self._are_there else _NO_LASTS_SECONDS
                self._good_until = asked_at + lasts
            return self._are_there

    def _problem(self) -> str | None:
        """What the broker lacks, if anything."""
        try:
            missing = [shard_digit(n) for n in range(SHARDS) if not self._is_there(n)]
        except BrokerUnreachable as error:
            return error.problem
        return f"no session of shard {', '.join(missing)}" if missing else None

    def _is_there(self, shard: int) -> bool:
        _, at_least_once, _ = queues_of(bridge_user_name(shard))
        queue = quote(at_least_once, safe="")
        bindings = self._management.get(f"/bindings/{quote(VHOST, safe='')}/e/{EXCHANGE}/q/{queue}")
        return any(bound["routing_key"] == routing_key(up_filter(shard)) for bound in bindings)

    def _remember(self, problem: str | None) -> None:
        if self._are_there != (problem is None):
            if problem is None:
                log.info("devices are let in")
            else:
                log.warning("no device is let in", why=problem)
        self._are_there = problem is None
