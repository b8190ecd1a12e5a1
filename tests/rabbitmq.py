"""RabbitMQ nodes for tests: real ones, each on ports of its own, killed and started one by one."""

import signal
import subprocess
from pathlib import Path
from typing import Self

from chat.errors import KatydidError
from chat.secrets import Secrets
from cli.cluster.debian_root import cache_folder
from cli.cluster.rabbitmq import (
    Cluster,
    NodePorts,
    bring_rabbitmq,
    node_command,
    node_environ,
    prepare_node,
    stop_epmd,
    wait_until_running,
)
from tests.conftest import cannot_run
from tests.running import free_ports

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
