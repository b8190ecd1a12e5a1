"""`./katydid cluster up`: the whole cluster on this Debian machine, until Ctrl-C or SIGTERM.

Three RabbitMQ nodes, PostgreSQL, and two each of doors, bridges and sites, with HAProxy between and
before them; all that they keep is in KATYDID_HOME/cluster. On several machines each part is started
by itself (`deploy/`); here one supervisor starts all of them, and restarts what dies, or what a
watch over the nodes has ended.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chat.errors import KatydidError, SettingError
from chat.secrets import load_secrets, make_missing_secrets
from chat.settings import Settings, settings_from, unknown_names
from chat.times import now
from cli.browser_libraries import bring_browser_libraries
from cli.cluster.debian_root import cache_folder, check_may_enter_roots
from cli.cluster.layout import (
    BRIDGES,
    DOORS,
    NODES,
    SITES,
    Ports,
    choose_ports,
    postgres_server,
    rabbitmq_cluster,
)
from cli.cluster.postgres import PostgresServer, bring_postgres
from cli.cluster.rabbitmq import bring_rabbitmq, stop_epmd
from cli.foreground import Foreground
from cli.haproxy import check_certificate, check_certificate_lasts
from cli.home import held_home
from cli.migrate import make_tables
from cli.ports import check_ports, warn_of_open_doors
from cli.programs import bring_program
from cli.readiness import wait_until_ready, where_to_begin
from cli.supervision import Child, Rewire, Stage, alone, as_they_are, push, python
from cli.terminal import say

# The cluster has its own of these.
_NOT_FOR_US = (
    "KATYDID_DATABASE_URL",
    "KATYDID_MQTT_HOST",
    "KATYDID_RABBITMQ_URL",
    "KATYDID_AUTH_HOST",
    "KATYDID_AUTH_PORT",
    "KATYDID_SHARDS_SERVED",
    "KATYDID_BRIDGE_NAME",
)
_DEBIAN = Path("/etc/debian_version")
_DATABASE_WITHIN_SECONDS = 30.0
_READY_WITHIN_SECONDS = 120.0


class ClusterImpossible(KatydidError):
    """This machine cannot have a cluster."""


def cluster_up(environ: Mapping[str, str], *, rewire: Rewire = as_they_are) -> int:
    """Runs until it is told to stop. Exit status: 0 then."""
    os.umask(0o077)
    settings = cluster_settings(environ)
    for name in unknown_names(environ):
        say(f"warning: there is no setting {name}; is it misspelt?")
    _check_machine()
    check_certificate(settings)
    check_certificate_lasts(settings, now())
    with held_home(settings):
        check_ports(settings)
        root = _bring_what_is_missing()
        for path in make_missing_secrets(settings):
            say(f"made the secret {path}")
        ports = choose_ports(settings)
        database = postgres_server(settings, ports)
        database.prepare()
        brokers = rabbitmq_cluster(settings, ports, load_secrets(settings), root)
        stop_epmd(brokers)  # that of a start which was killed
        warn_of_open_doors(settings)
        inside = environ_inside(environ, settings, ports, database)
        try:
            _run(inside, rewire(_stages(ports, database)), database)
        finally:
            stop_epmd(brokers)  # what the nodes found each other by outlives them
    say("stopped")
    return 0


def cluster_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of the cluster whose home is in KATYDID_HOME. Raises SettingError."""
    for name in _NOT_FOR_US:
        if environ.get(name, "").strip():
            raise SettingError(name, "is set, but a cluster on this machine has its own")
    if environ.get("KATYDID_BROKER", "").strip() not in ("", "rabbitmq"):
        raise SettingError("KATYDID_BROKER", "is set, but a cluster has rabbitmq")
    home = settings_from(environ).home / "cluster"
    return settings_from({**environ, "KATYDID_HOME": str(home)})


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise ClusterImpossible("cluster up enters a Debian in a folder, which only root may do.")
    if not _DEBIAN.exists():
        raise ClusterImpossible("cluster up needs Debian; deploy/compose.yaml runs anywhere.")
    check_may_enter_roots()


def _bring_what_is_missing() -> Path:
    bring_program("haproxy", package="haproxy")
    bring_postgres()
    bring_browser_libraries()
    return bring_rabbitmq(cache_folder())


def environ_inside(
    environ: Mapping[str, str], settings: Settings, ports: Ports, database: PostgresServer
) -> dict[str, str]:
    """The environment of the parts: where each finds the others."""
    return {
        "KATYDID_TRUSTED_PROXIES": "127.0.0.0/8, ::1",  # HAProxy, unless another one is named
        **environ,
        "KATYDID_HOME": str(settings.home),
        "KATYDID_BROKER": "rabbitmq",
        "KATYDID_MQTT_HOST": settings.broker_host,
        "KATYDID_RABBITMQ_URL": f"http://127.0.0.1:{ports['haproxy-management']}",
        "KATYDID_DATABASE_URL": database.url(),
    }


def _stages(ports: Ports, database: PostgresServer) -> list[Stage]:
    """In the order in which they need each other, though each waits for the others as well."""
    bridge_inside = {
        "KATYDID_MQTT_HOST": "127.0.0.1",
        "KATYDID_MQTT_PORT": str(ports["haproxy-mqtt"]),
    }
    return [
        alone(
            Child(name="postgres", command=database.command(), stop_signal="INT", stop_seconds=30)
        ),
        Stage(
            name="rabbitmq",
            children=[
                Child(
                    name=f"rabbitmq-{n}",
                    command=python("cli.cluster.node", str(n)),
                    stop_seconds=30,
                )
                for n in NODES
            ],
        ),
        alone(Child(name="rabbitmq-watch", command=python("cli.cluster.watch"))),
        alone(Child(name="haproxy", command=python("cli.cluster.haproxy"))),
        Stage(
            name="door",
            children=[
                Child(
                    name=f"door-{n}",
                    command=python("cli.web", "door"),
                    environ={"KATYDID_AUTH_PORT": str(ports[f"door-{n}"])},
                )
                for n in DOORS
            ],
        ),
        Stage(
            name="bridge",
            children=[
                Child(
                    name=f"bridge-{n}",
                    command=python("bridge"),
                    environ={**bridge_inside, "KATYDID_BRIDGE_NAME": f"bridge-{n}"},
                )
                for n in BRIDGES
            ],
        ),
        alone(push()),
        Stage(
            name="web",
            children=[
                Child(
                    name=f"web-{n}",
                    command=python("cli.web", "site"),
                    environ={
                        "KATYDID_HOST": "127.0.0.1",
                        "KATYDID_HTTP_PORT": str(ports[f"web-{n}"]),
                    },
                )
                for n in SITES
            ],
        ),
    ]


def _run(inside: Mapping[str, str], stages: Sequence[Stage], database: PostgresServer) -> None:
    settings = settings_from(inside)
    running = Foreground(settings, inside, stages)

    def begin() -> None:
        if not _is_there(database, is_over=running.is_over):
            return
        make_tables(settings)
        if wait_until_ready(
            settings, is_over=running.is_over, within_seconds=_READY_WITHIN_SECONDS
        ):
            print(where_to_begin(settings), flush=True)

    running.until_stopped(begin)


def _is_there(database: PostgresServer, *, is_over: Callable[[], bool]) -> bool:
    """True as soon as it answers; False when it is over before that."""
    deadline = time.monotonic() + _DATABASE_WITHIN_SECONDS
    while not is_over():
        if database.is_ready():
            return True
        if time.monotonic() > deadline:
            raise ClusterImpossible(
                f"PostgreSQL did not answer within {_DATABASE_WITHIN_SECONDS:.0f} s;"
                " logs/postgres.log in the cluster's home may say why."
            )
        time.sleep(0.05)
    return False
