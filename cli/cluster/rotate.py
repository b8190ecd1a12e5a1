"""`./katydid cluster rotate WHAT`: as `./katydid rotate`, for the cluster that runs from this
KATYDID_HOME, while it runs.

Passwords are read again by who uses them. Those parts that have what is derived from the server
key are started again, all at the same time, and are back within some seconds; broker, bridges and
who is connected do not notice.
"""

import os
import signal
import time
from collections.abc import Mapping

import httpx

from chat.secrets import load_secrets
from chat.settings import Settings, settings_from
from cli.cluster.debian_root import cache_folder
from cli.cluster.layout import chosen_ports, postgres_server, rabbitmq_cluster
from cli.cluster.rabbitmq import (
    Cluster,
    NodeNotRunning,
    bring_rabbitmq,
    node_asks_at,
    node_name,
    stop_node,
)
from cli.cluster.up import cluster_settings, environ_inside
from cli.home import holder_of
from cli.rotate import asked_for, change
from cli.rotate_key import CannotRotate
from cli.terminal import say
from mqtt_acl.management import AdminAuth

_SPARE_WITHIN_SECONDS = 90.0
_ASKS_EVERY_SECONDS = 0.2


def cluster_rotate(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when it was done. Raises CannotRotate, and NodeNotRunning."""
    asked = asked_for(arguments)
    outside = cluster_settings(environ)
    if holder_of(outside) is None:
        raise CannotRotate("The cluster does not run; ./katydid cluster up starts it.")
    ports = chosen_ports(outside)
    inside = settings_from(environ_inside(environ, outside, ports, postgres_server(outside, ports)))
    change(inside, asked, before_key_ends=lambda: _have_nodes_ask_at_new_word(inside))
    if asked.password is None:
        _start_key_holders_again(inside)
        say("sites, doors and push are started again with it")
    return 0


def _start_key_holders_again(settings: Settings) -> None:
    """See `cli/supervisor.py`."""
    os.kill(int((settings.run_dir / "supervisord.pid").read_text()), signal.SIGUSR1)


def _have_nodes_ask_at_new_word(settings: Settings) -> None:
    """A node has the word of its door from when it started, so those of before are started again,
    one after the other, each when the others have a majority of every queue without it."""
    root = bring_rabbitmq(cache_folder())
    cluster = rabbitmq_cluster(settings, chosen_ports(settings), load_secrets(settings), root)
    with httpx.Client(auth=AdminAuth(settings.secrets_dir), trust_env=False, timeout=10) as admin:
        for number in cluster.numbers:
            if node_asks_at(cluster, number) != cluster.door_url:
                say(f"starting {node_name(number)} again")
                _wait_until_spare(admin, cluster, number)
                stop_node(cluster, number)
        for number in cluster.numbers:
            _wait_until_spare(admin, cluster, number)


def _wait_until_spare(admin: httpx.Client, cluster: Cluster, number: int) -> None:
    """Until the node is there, and none of its queues would be without a majority if it were not.
    Ended before, it would wait for the others. Raises NodeNotRunning."""
    port = cluster.ports(number).management
    url = f"http://127.0.0.1:{port}/api/health/checks/node-is-quorum-critical"
    deadline = time.monotonic() + _SPARE_WITHIN_SECONDS
    while not _says_yes(admin, url):
        if time.monotonic() > deadline:
            problem = f"{node_name(number)} could not be spared"
            raise NodeNotRunning(f"{problem} within {_SPARE_WITHIN_SECONDS:.0f} s")
        time.sleep(_ASKS_EVERY_SECONDS)


def _says_yes(admin: httpx.Client, url: str) -> bool:
    try:
        return admin.get(url).is_success
    except httpx.HTTPError:
        return False
