"""Which parts an installation of a run has, at which ports, and which wires lie between them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.up import Wires
from cli.cluster.layout import BRIDGES, DOORS, NODES, SITES, choose_ports, postgres_server
from cli.cluster.postgres import PostgresServer, bring_postgres
from cli.cluster.up import cluster_settings
from cli.free_ports import free_ports

SQLITE, POSTGRESQL = "sqlite", "postgresql"
MOSQUITTO, NEWER_MOSQUITTO, CLUSTER = "mosquitto", "mosquitto-2.1", "cluster"
# By who is at the two ends.
CLIENTS_BROKER = "clients-broker"
BROWSERS_BROKER = "browsers-broker"
PEOPLE_WEB = "people-web"
PROGRAMS_BROKER = "programs-broker"
PROGRAMS_DATABASE = "programs-database"

_PARTS = {
    MOSQUITTO: ("broker", "bridge", "web"),
    NEWER_MOSQUITTO: ("broker", "bridge", "web"),
    CLUSTER: (
        "haproxy",
        *(f"rabbitmq-{n}" for n in NODES),
        *(f"door-{n}" for n in DOORS),
        *(f"bridge-{n}" for n in BRIDGES),
        *(f"web-{n}" for n in SITES),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Who connects to `port` gets to `target`, as long as the wire holds."""

    port: int
    target: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`wires` by name; `environ` is for the installation, `ways` for its parts; `postgres` is there
    where there is one, and started by us unless it is the cluster's."""

    broker: str
    parts: Sequence[str]
    environ: Mapping[str, str]
    wires: Mapping[str, Wire]
    ways: Wires
    postgres: PostgresServer | None = None

    @property
    def has_postgres_of_ours(self) -> bool:
        return self.postgres is not None and self.broker != CLUSTER


def layout(broker: str, database: str, home: Path) -> Layout:
    """For an installation in `home`, which is there. PostgreSQL is installed if it is missing."""
    http, mqtt, websocket, *ours = free_ports(8)
    environ = {
        "KATYDID_HOME": str(home),
        "KATYDID_HTTP_PORT": str(http),
        "KATYDID_MQTT_PORT": str(mqtt),
        "KATYDID_WEBSOCKET_PORT": str(websocket),
    }
    wires = {
        CLIENTS_BROKER: Wire(port=ours[0], target=mqtt),
        BROWSERS_BROKER: Wire(port=ours[1], target=websocket),
        PEOPLE_WEB: Wire(port=ours[2], target=http),
    }
    outside = {
        **environ,
        "KATYDID_PUBLIC_MQTT": f"127.0.0.1:{ours[0]}",
        "KATYDID_PUBLIC_WEBSOCKET_URL": f"ws://127.0.0.1:{ours[1]}/mqtt",
    }
    parts = list(_PARTS[broker])
    postgres: PostgresServer | None = None
    if broker == CLUSTER:
        settings = cluster_settings(environ)
        # Made before `cluster up` does, so that PostgreSQL's user may go through.
        settings.home.mkdir()
        settings.home.chmod(0o711)
        inside = choose_ports(settings)
        wires[PROGRAMS_BROKER] = Wire(port=ours[3], target=inside["haproxy-mqtt"])
        wires[PROGRAMS_DATABASE] = Wire(port=ours[4], target=inside["postgres"])
        postgres = postgres_server(settings, inside)
    else:
        wires[PROGRAMS_BROKER] = Wire(port=ours[3], target=mqtt)
        if database == POSTGRESQL:
            bring_postgres()
            postgres = PostgresServer(home / "postgres", *free_ports(1))
            wires[PROGRAMS_DATABASE] = Wire(port=ours[4], target=postgres.port)
    if postgres is not None:
        parts.append("postgres")
    return Layout(
        broker=broker,
        parts=parts,
        environ=outside,
        wires=wires,
        ways=Wires(
            is_cluster=broker == CLUSTER,
            broker_port=wires[PROGRAMS_BROKER].port,
            database_port=wires[PROGRAMS_DATABASE].port if postgres else None,
        ),
        postgres=postgres,
    )


def child_environ() -> dict[str, str]:
    """The environment of what we start ourselves: without the settings of another installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KATYDID_")}
