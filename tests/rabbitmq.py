"""RabbitMQ for tests: nodes on ports of their own, and an installation whose broker is one."""

import signal
import subprocess
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import quote

from chat.errors import KatydidError
from chat.secrets import Secrets
from cli.cluster.debian_root import cache_folder
from cli.cluster.rabbitmq import (
    Cluster,
    NodePorts,
    bring_rabbitmq,
    is_running,
    node_command,
    node_environ,
    prepare_node,
    stop_epmd,
    wait_until_running,
)
from cli.rabbitmq_conf import door_url
from cli.web import door_command
from mqtt_acl.http_auth import VHOST, queues_of
from mqtt_acl.issuer import Issuer
from mqtt_acl.management import Management
from mqtt_acl.rabbitmq import KickingIssuer
from tests.conftest import cannot_run
from tests.running import Installation, free_ports, is_listening

_PORTS_PER_NODE = 5


def rabbitmq_root() -> Path:
    """The root with RabbitMQ; a machine that cannot have one cannot run the test."""
    try:
        return bring_rabbitmq(cache_folder())
    except KatydidError as error:
        cannot_run(str(error))


def new_cluster(folder: Path, *, nodes: int, door_url: str) -> Cluster:
    """A cluster that does not run yet."""
    epmd, *ports = free_ports(1 + _PORTS_PER_NODE * nodes)
    names = ("mqtt", "websocket", "management", "prometheus", "distribution")
    return Cluster(
        root=rabbitmq_root(),
        folder=folder,
        host="127.0.0.1",
        epmd_port=epmd,
        nodes=tuple(
            NodePorts(**dict(zip(names, ports[first : first + _PORTS_PER_NODE], strict=True)))
            for first in range(0, len(ports), _PORTS_PER_NODE)
        ),
        door_url=door_url,
    )


class RabbitNodes:
    """The nodes of a cluster as this test's children, with their logs beside their folders."""

    def __init__(self, cluster: Cluster, secrets: Secrets) -> None:
        self.cluster = cluster
        self._secrets = secrets
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> Self:
        """Start all nodes that do not run, and wait until they are one cluster."""
        self.cluster.folder.mkdir(parents=True, exist_ok=True)
        for number in self.cluster.numbers:
            if number not in self.processes:
                self.begin(number)
        wait_until_running(self.cluster, self._secrets, is_over=self._has_one_ended)
        return self

    def begin(self, number: int) -> None:
        """Start a node and do not wait."""
        prepare_node(self.cluster, number, self._secrets)
        with self._log(number).open("ab") as log:
            self.processes[number] = subprocess.Popen(
                node_command(self.cluster, number),
                env=node_environ(self.cluster, number),
                stdout=log,
                stderr=log,
            )

    def kill(self, number: int, signal_number: int = signal.SIGKILL) -> None:
        """End a node at once, or with the signal given, and wait for its end."""
        process = self.processes.pop(number)
        process.send_signal(signal_number)
        process.wait(timeout=30)

    def stop(self) -> None:
        """End all nodes that still run, and what they found each other by."""
        for number in list(self.processes):
            self.kill(number, signal.SIGTERM)
        stop_epmd(self.cluster)

    def log(self, number: int) -> str:
        return self._log(number).read_text()

    def _log(self, number: int) -> Path:
        return self.cluster.folder / f"rabbit{number}.log"

    def _has_one_ended(self) -> bool:
        return any(process.poll() is not None for process in self.processes.values())


class RabbitInstallation(Installation):
    """An installation with one node of RabbitMQ as its `broker`, and a `door` that it asks at."""

    def __init__(self, home: Path, **environ: str) -> None:
        [door_port] = free_ports(1)
        cluster = new_cluster(home, nodes=1, door_url="")
        ports = cluster.ports(1)
        super().__init__(
            home,
            KATYDID_BROKER="rabbitmq",
            KATYDID_MQTT_HOST=cluster.host,
            KATYDID_MQTT_PORT=str(ports.mqtt),
            KATYDID_WEBSOCKET_PORT=str(ports.websocket),
            KATYDID_RABBITMQ_URL=f"http://127.0.0.1:{ports.management}",
            KATYDID_AUTH_PORT=str(door_port),
            **environ,
        )
        self.settings.run_dir.mkdir()
        self.cluster = replace(cluster, door_url=door_url(self.settings, self.secrets))

    @cached_property
    def issuer(self) -> Issuer:
        return KickingIssuer(self.settings)

    def policy_of(self, user_name: str) -> dict[str, int]:
        """What RabbitMQ goes by at the queue of that device, or bridge."""
        _, queue, _ = queues_of(user_name)
        management = Management(self.settings)
        try:
            answer = management.get(f"/queues/{quote(VHOST, safe='')}/{quote(queue, safe='')}")
        finally:
            management.close()
        policy: dict[str, int] = answer["effective_policy_definition"]
        return policy

    def begin(self, part: str) -> None:
        if part == "broker":
            prepare_node(self.cluster, 1, self.secrets)
        self.begin_as_it_is(part)

    def begin_as_it_is(self, part: str) -> None:
        """Start a part with the files that it has."""
        super().begin(part)

    def command(self, part: str) -> list[str]:
        if part == "broker":
            return node_command(self.cluster, 1)
        return door_command(self.settings) if part == "door" else super().command(part)

    def environ_of(self, part: str) -> dict[str, str]:
        return node_environ(self.cluster, 1) if part == "broker" else super().environ_of(part)

    def is_ready(self, part: str) -> bool:
        if part == "broker":
            return is_running(self.cluster, self.secrets)
        return is_listening(self.settings.auth_port) if part == "door" else super().is_ready(part)

    def stop_all(self) -> None:
        super().stop_all()
        stop_epmd(self.cluster)
