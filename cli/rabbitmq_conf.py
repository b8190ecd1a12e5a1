"""`deploy/rabbitmq.conf` with one installation's lines.

For the nodes that `cli/cluster` starts, and for one that runs elsewhere, where a person puts it.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from chat.hosts import address, reachable
from chat.secrets import Secrets
from chat.settings import REPOSITORY, Settings
from chat.user_names import ADMIN
from cli.private_files import write_private
from mqtt_acl.http_auth import door_path

_MARK = "[installation]"
# Of the machine's memory, for all nodes that run on it together.
_SHARE_OF_MEMORY = 0.6
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_PROMETHEUS_PORT = 15692
_QUESTIONS = ("user", "vhost", "resource", "topic")


def filled(
    secrets: Secrets,
    *,
    nodes: Sequence[str],
    mqtt: str,
    websocket: str,
    management: tuple[str, int],
    prometheus: tuple[str, int],
    door_url: str,
) -> str:
    """The configuration of one of these nodes, all of one machine. Holds secrets.

    `mqtt` and `websocket` are ADDRESS:PORT, or a port for all addresses.
    """
    found_by, size = "cluster_formation.classic_config.nodes", max(1, len(nodes))
    ours = {
        "default_user": ADMIN,
        "default_pass": secrets.admin_password,
        "cluster_formation.target_cluster_size_hint": str(size),
        "vm_memory_high_watermark.relative": f"{_SHARE_OF_MEMORY / size:.2f}",
        "mqtt.listeners.tcp.1": mqtt,
        "web_mqtt.tcp.listener": websocket,
        **{f"auth_http.{question}_path": f"{door_url}/{question}" for question in _QUESTIONS},
        "management.tcp.ip": management[0],
        "management.tcp.port": str(management[1]),
        "prometheus.tcp.ip": prometheus[0],
        "prometheus.tcp.port": str(prometheus[1]),
    }
    lines = (REPOSITORY / "deploy" / "rabbitmq.conf").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        key, _, _ = line.partition(" = ")
        if not lines[number - 1].endswith(_MARK):
            continue
        if key.startswith(found_by):
            names = [f"{found_by}.{n} = {name}" for n, name in enumerate(nodes, 1)]
            lines[number] = "\n".join(names)
        else:
            lines[number] = f"{key} = {ours[key]}"
    return "\n".join([*lines, ""])


def door_url(settings: Settings, secrets: Secrets) -> str:
    """Where RabbitMQ asks who may do what, if it can reach us where the door listens."""
    where = address(reachable(settings.auth_host), settings.auth_port)
    return f"http://{where}{door_path(secrets)}"


def write_for_elsewhere(settings: Settings, secrets: Secrets) -> Path:
    """Write what a node must be told that we do not start; it answers where to find that."""
    here = settings.mqtt_host in _THIS_MACHINE
    api = urlsplit(settings.rabbitmq_urls[0])
    content = filled(
        secrets,
        nodes=[],
        mqtt=f"127.0.0.1:{settings.mqtt_port}" if here else str(settings.mqtt_port),
        websocket=f"127.0.0.1:{settings.websocket_port}" if here else str(settings.websocket_port),
        management=("127.0.0.1" if here else "0.0.0.0", api.port or 15672),  # noqa: S104
        prometheus=("127.0.0.1", _PROMETHEUS_PORT),
        door_url=door_url(settings, secrets),
    )
    file = settings.broker_dir / "rabbitmq.conf"
    write_private(file, content)
    return file
