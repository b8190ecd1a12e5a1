"""One node of RabbitMQ for a private installation, in the Debian that holds one."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from chat.secrets import load_secrets, make_missing_secrets
from chat.settings import settings_from
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
from cli.free_ports import free_ports
from cli.rabbitmq_conf import door_url

_ENDS_WITHIN_SECONDS = 30


@contextmanager
def running_rabbitmq(home: Path) -> Iterator[Mapping[str, str]]:
    """While a node runs for the installation with that home; the settings with which it is found.
    Raises NodeNotRunning, RootImpossible and ProgramMissing."""
    epmd, mqtt, websocket, management, prometheus, distribution, door = free_ports(7)
    found_by = {
        "KATYDID_BROKER": "rabbitmq",
        "KATYDID_MQTT_HOST": "127.0.0.1",
        "KATYDID_MQTT_PORT": str(mqtt),
        "KATYDID_WEBSOCKET_PORT": str(websocket),
        "KATYDID_RABBITMQ_URL": f"http://127.0.0.1:{management}",
        "KATYDID_AUTH_PORT": str(door),
    }
    settings = settings_from({"KATYDID_HOME": str(home), **found_by})
    make_missing_secrets(settings)
    secrets = load_secrets(settings)
    node = NodePorts(
        mqtt=mqtt,
        websocket=websocket,
        management=management,
        prometheus=prometheus,
        distribution=distribution,
    )
    folder = home / "rabbitmq"
    folder.mkdir()
    cluster = Cluster(
        root=bring_rabbitmq(cache_folder()),
        folder=folder,
        host="127.0.0.1",
        epmd_port=epmd,
        nodes=(node,),
        door_url="",
    )
    cluster = replace(cluster, door_url=door_url(settings, secrets))
    prepare_node(cluster, 1, secrets)
    with (home / "rabbitmq.output").open("wb") as output:
        process = subprocess.Popen(
            node_command(cluster, 1), env=node_environ(cluster, 1), stdout=output, stderr=output
        )
    try:
        wait_until_running(cluster, secrets, is_over=lambda: process.poll() is not None)
        yield found_by
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        stop_epmd(cluster)
