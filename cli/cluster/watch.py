"""`python -m cli.cluster.watch`: ends a RabbitMQ node that runs, but has lost what it knew.

A node whose disk was full for a moment may go on without its metadata: its Raft log
(`ra_log_wal`) ended and began again, and what had stood on it did not. It says that it is in
service, and refuses everybody, its admin too, for as long as it runs. The supervisor starts it
again as soon as it has ended, and it finds all of it on its disk.
"""

import os
import sys
import time
from typing import NoReturn

import httpx
import structlog

from chat.errors import KatydidError
from chat.logs import configure_logs
from chat.secrets import load_secrets
from chat.settings import settings_from
from cli.cluster.debian_root import cache_folder
from cli.cluster.layout import chosen_ports, rabbitmq_cluster
from cli.cluster.rabbitmq import Cluster, bring_rabbitmq, node_name, stop_node
from mqtt_acl.management import AdminAuth

_EVERY_SECONDS = 2.0
# In a row: a node that is just starting may not know its admin yet.
_REFUSALS = 5
_ENDED_WITHIN_SECONDS = 5.0

log = structlog.get_logger()


class Watch:
    """Looks at all nodes of a cluster on this machine."""

    def __init__(self, cluster: Cluster, auth: httpx.Auth) -> None:
        self._cluster = cluster
        self._auth = auth
        self._refusals = dict.fromkeys(cluster.numbers, 0)
        # By any node: a password that none has ever taken is the wrong one.
        self._was_let_in = False

    def look(self) -> None:
        """Once at each node; one that has refused its admin five times in a row is ended."""
        with httpx.Client(auth=self._auth, timeout=_EVERY_SECONDS, trust_env=False) as client:
            for number in self._cluster.numbers:
                answer = self._ask(client, number)
                self._was_let_in |= answer == httpx.codes.OK
                is_refused = self._was_let_in and answer == httpx.codes.UNAUTHORIZED
                self._refusals[number] = self._refusals[number] + 1 if is_refused else 0
                if self._refusals[number] == _REFUSALS:
                    self._end(number)

    def _ask(self, client: httpx.Client, number: int) -> int | None:
        """The answer's status; none of a node that does not answer, which is the supervisor's
        business, or has only been frozen."""
        url = f"http://127.0.0.1:{self._cluster.ports(number).management}/api/whoami"
        try:
            return client.get(url).status_code
        except httpx.HTTPError:
            return None

    def _end(self, number: int) -> None:
        log.warning("this node has lost what it knew, and is ended", node=node_name(number))
        stop_node(self._cluster, number, within_seconds=_ENDED_WITHIN_SECONDS)
        self._refusals[number] = 0


def main() -> NoReturn:
    """Looks until it is ended."""
    configure_logs("rabbitmq-watch")
    try:
        settings = settings_from(os.environ)
        secrets = load_secrets(settings)
        root = bring_rabbitmq(cache_folder())
        cluster = rabbitmq_cluster(settings, chosen_ports(settings), secrets, root)
        watch = Watch(cluster, AdminAuth(settings.secrets_dir))
    except (KatydidError, OSError) as error:
        print(f"rabbitmq-watch: {error}", file=sys.stderr)
        sys.exit(2)
    while True:
        watch.look()
        time.sleep(_EVERY_SECONDS)


if __name__ == "__main__":
    main()
