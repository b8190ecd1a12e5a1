"""Which parts the cluster on this machine has, and at which ports they find each other.

These ports are inside: chosen once, kept in `ports.json` of the cluster's home, and another is
chosen only where a program has taken one meanwhile. What the network sees are the settings' ports.
"""

import json
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from itertools import chain
from pathlib import Path

from chat.secrets import Secrets
from chat.settings import Settings
from cli.cluster.postgres import PostgresServer, reachable_folder
from cli.cluster.rabbitmq import Cluster, NodePorts
from cli.free_ports import bound, candidates
from mqtt_acl.http_auth import door_path

NODES = range(1, 4)
DOORS = range(1, 3)
BRIDGES = range(1, 3)
SITES = range(1, 3)

Ports = Mapping[str, int]

_OF_A_NODE = ("mqtt", "websocket", "management", "prometheus", "distribution")
# HAProxy's own: where brokers, bridges and sites find one of the others that is well.
_OF_HAPROXY = ("mqtt", "management", "doors", "counts")
_NAMES = (
    "postgres",
    "epmd",
    *(f"rabbitmq-{n}-{kind}" for n in NODES for kind in _OF_A_NODE),
    *(f"haproxy-{kind}" for kind in _OF_HAPROXY),
    *(f"door-{n}" for n in DOORS),
    *(f"web-{n}" for n in SITES),
)


def choose_ports(settings: Settings) -> Ports:
    """A free port for each name, those of an earlier start where they still are free."""
    known = _known_ports(settings)
    others = candidates()
    ports: dict[str, int] = {}
    with ExitStack() as held:
        for name in _NAMES:
            wanted = [known[name]] if name in known else []
            probe = next(filter(None, map(bound, chain(wanted, others))))
            held.enter_context(probe)
            ports[name] = probe.getsockname()[1]
    _file(settings).write_text(json.dumps(ports, indent=2) + "\n", encoding="ascii")
    return ports


def chosen_ports(settings: Settings) -> Ports:
    """What `choose_ports` said at this start."""
    ports: Ports = json.loads(_file(settings).read_text(encoding="ascii"))
    return ports


def rabbitmq_cluster(settings: Settings, ports: Ports, secrets: Secrets, root: Path) -> Cluster:
    """The nodes, who know each other, and of Katydid only HAProxy's port for its doors."""
    return Cluster(
        root=root,
        folder=settings.home / "rabbitmq",
        host="127.0.0.1",
        epmd_port=ports["epmd"],
        nodes=tuple(
            NodePorts(**{kind: ports[f"rabbitmq-{n}-{kind}"] for kind in _OF_A_NODE}) for n in NODES
        ),
        door_url=f"http://127.0.0.1:{ports['haproxy-doors']}{door_path(secrets)}",
    )


def postgres_server(settings: Settings, ports: Ports) -> PostgresServer:
    """The database, in the cluster's home if its user may enter that."""
    return PostgresServer(reachable_folder(settings.home / "postgres"), ports["postgres"])


def _known_ports(settings: Settings) -> Ports:
    with suppress(OSError, ValueError):
        known = chosen_ports(settings)
        return {name: port for name, port in known.items() if isinstance(port, int)}
    return {}


def _file(settings: Settings) -> Path:
    return settings.home / "ports.json"
