"""`python -m bench.chaos.up WIRES`: `./katydid up` or `./katydid cluster up`, whose parts find each
other through the wires of a run. Ends as they do, at SIGTERM."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from chat.errors import KatydidError
from cli.cluster.layout import chosen_ports, postgres_server
from cli.cluster.up import cluster_settings, cluster_up
from cli.supervision import Child, Stage
from cli.terminal import say
from cli.tied import tie_to_parent
from cli.up import up


@dataclass(frozen=True, kw_only=True)
class Wires:
    """At which ports the parts find the broker, and PostgreSQL where there is one."""

    broker_port: int
    database_port: int | None = None
    is_cluster: bool = False

    def save(self, file: Path) -> None:
        file.write_text(json.dumps(asdict(self)), encoding="ascii")


def main(file: str) -> int:
    """Exit status, as that of the command."""
    tie_to_parent()
    wires = Wires(**json.loads(Path(file).read_text(encoding="ascii")))

    def rewire(stages: Sequence[Stage]) -> Sequence[Stage]:
        return [
            replace(stage, children=[_rewired(child, wires) for child in stage.children])
            for stage in stages
        ]

    try:
        if wires.is_cluster:
            return cluster_up(os.environ, rewire=rewire)
        return up(os.environ, [], rewire=rewire)
    except KatydidError as error:
        say(str(error))
        return 1


def _rewired(child: Child, wires: Wires) -> Child:
    """Who publishes finds the broker by its wire, and in a cluster, who asks SQL the database."""
    environ = dict(child.environ)
    kind = child.name.partition("-")[0]
    if kind == "bridge" or (kind == "web" and not wires.is_cluster):
        environ["KATYDID_MQTT_PORT"] = str(wires.broker_port)
    if wires.is_cluster and kind in ("bridge", "web", "door", "push"):
        settings = cluster_settings(os.environ)
        postgres = postgres_server(settings, chosen_ports(settings))
        environ["KATYDID_DATABASE_URL"] = postgres.url(port=wires.database_port)
    return replace(child, environ=environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
