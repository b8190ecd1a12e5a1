"""RabbitMQ 4.3 on this machine, one node or three: its root, each node's files, start and stop.

Every node runs in the foreground as the command that `node_command` gives, so that whoever starts
it (a supervisor, a test) also ends it: by SIGTERM, upon which it leaves in good order, or by
SIGKILL. What a node keeps is in a folder of the installation; the root has nothing of it.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from chat.errors import KatydidError
from chat.hosts import address, reachable
from chat.secrets import Secrets, make_secret
from chat.user_names import ADMIN
from cli.cluster.debian_root import bring_root
from cli.private_files import write_private
from cli.rabbitmq_conf import filled

PLUGINS = (
    "rabbitmq_mqtt",
    "rabbitmq_web_mqtt",
    "rabbitmq_auth_backend_http",
    "rabbitmq_management",
    "rabbitmq_prometheus",
)
_USER = "rabbitmq"
# Where a node finds its folder, which is its home too.
_INSIDE = "/var/lib/rabbitmq"
_PROGRAMS = "/usr/lib/rabbitmq/bin"
_ASKED_FIRST = "auth_http.user_path"
_EPMD_ENDS_WITHIN_SECONDS = 5.0
# Mounts are this process's own: nothing is left behind, and many nodes share one root.
_ENTER = """
mount --bind "$1" "$0/var/lib/rabbitmq" && mount -t proc proc "$0/proc" &&
mount -t tmpfs tmpfs "$0/dev/shm" && mount -t tmpfs tmpfs "$0/tmp" || exit
root=$0; shift
exec chroot "$root" "$@"
"""


class NodeNotRunning(KatydidError):
    """A node, or the cluster, did not come up."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"RabbitMQ does not run: {problem}.")


@dataclass(frozen=True, kw_only=True)
class NodePorts:
    """Where one node listens."""

    mqtt: int
    websocket: int
    management: int
    prometheus: int
    distribution: int


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """All nodes of one installation on this machine; their numbers begin with 1.

    `host` is where clients come in; what the nodes say to each other stays on loopback. `door_url`
    is where they ask who may do what (`web/door.py`).
    """

    root: Path
    folder: Path
    host: str
    epmd_port: int
    nodes: tuple[NodePorts, ...]
    door_url: str

    @property
    def numbers(self) -> range:
        return range(1, len(self.nodes) + 1)

    def ports(self, number: int) -> NodePorts:
        return self.nodes[number - 1]

    def node_folder(self, number: int) -> Path:
        """All that a node keeps and is told; deleted, the node begins anew."""
        return self.folder / node_name(number).partition("@")[0]


def node_name(number: int) -> str:
    """What the nodes call each other."""
    return f"rabbit{number}@localhost"


def bring_rabbitmq(cache: Path) -> Path:
    """The root with RabbitMQ, built if it is not there. Raises RootImpossible, ProgramMissing."""
    # Without certificates to trust, questions over plain http fail too (4.0.5).
    return bring_root(cache, "rabbitmq-4.3", ["rabbitmq-server", "ca-certificates"])


# A node's files.


def prepare_node(cluster: Cluster, number: int, secrets: Secrets) -> None:
    """Write all that a node is told, anew at each start; what it keeps stays."""
    folder = cluster.node_folder(number)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = _owner(cluster.root)
    os.chown(folder, *owner)
    files = {
        "rabbitmq.conf": configuration(cluster, number, secrets),
        "enabled_plugins": f"[{','.join(PLUGINS)}].\n",
        # Told to be empty, so that none of the root's is read.
        "advanced.config": "[].\n",
        "rabbitmq-env.conf": "",
        # Whoever knows it is in charge of the node.
        ".erlang.cookie": _cookie(cluster),
    }
    for name, content in files.items():
        write_private(folder / name, content, owner=owner)


def configuration(cluster: Cluster, number: int, secrets: Secrets) -> str:
    """What a node is told. Holds secrets."""
    ports = cluster.ports(number)
    return filled(
        secrets,
        nodes=[node_name(each) for each in cluster.numbers],
        mqtt=address(cluster.host, ports.mqtt),
        websocket=address(cluster.host, ports.websocket),
        management=("127.0.0.1", ports.management),
        prometheus=("127.0.0.1", ports.prometheus),
        door_url=cluster.door_url,
    )


def node_asks_at(cluster: Cluster, number: int) -> str:
    """Where a node asks who may do what, as it was told when it started; empty when it never
    was."""
    with suppress(OSError):
        told = (cluster.node_folder(number) / "rabbitmq.conf").read_text(encoding="utf-8")
        for line in told.splitlines():
            if line.startswith(f"{_ASKED_FIRST} = "):
                return line.partition(" = ")[2].rpartition("/")[0]
    return ""


def _cookie(cluster: Cluster) -> str:
    """The nodes' own, made once: a node that starts after the server key was changed must be one
    with those that did not."""
    file = cluster.folder / "erlang_cookie"
    make_secret(file)
    return file.read_text(encoding="ascii").strip()


def _owner(root: Path) -> tuple[int, int]:
    """User and group that RabbitMQ runs as; they are known in the root alone."""
    for line in (root / "etc" / "passwd").read_text(encoding="utf-8").splitlines():
        name, _, user, group, *_ = line.split(":")
        if name == _USER:
            return int(user), int(group)
    raise NodeNotRunning(f"{root} has no user {_USER}")


# A node at work.


def node_command(cluster: Cluster, number: int) -> list[str]:
    """What runs a prepared node in the foreground, with `node_environ` as its whole environment.

    The process becomes the node itself: its id is the node's, and it ends when its parent does.
    """
    return [
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER),
        *(str(cluster.root), str(cluster.node_folder(number))),
        # Within the root, and by this program, since a change of user forgets whose child one is.
        *("setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups", "--pdeathsig=TERM"),
        f"{_PROGRAMS}/rabbitmq-server",
    ]


def node_environ(cluster: Cluster, number: int) -> dict[str, str]:
    """The environment of a node."""
    return {
        "PATH": f"{_PROGRAMS}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": _INSIDE,
        "LANG": "C.UTF-8",
        # The memory of a node that crashed, passwords included, is not for the disk.
        "ERL_CRASH_DUMP_SECONDS": "0",
        "ERL_EPMD_PORT": str(cluster.epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": node_name(number),
        "RABBITMQ_DIST_PORT": str(cluster.ports(number).distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": f"{_INSIDE}/data",
        "RABBITMQ_MNESIA_DIR": f"{_INSIDE}/data/node",
        "RABBITMQ_LOG_BASE": f"{_INSIDE}/log",
        "RABBITMQ_PID_FILE": f"{_INSIDE}/pid",
        "RABBITMQ_CONFIG_FILE": f"{_INSIDE}/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{_INSIDE}/advanced.config",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{_INSIDE}/enabled_plugins",
        "RABBITMQ_CONF_ENV_FILE": f"{_INSIDE}/rabbitmq-env.conf",
        # Else a shell stays in between, which knows how to pass on SIGTERM but nothing harder.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


def wait_until_running(
    cluster: Cluster,
    secrets: Secrets,
    *,
    within_seconds: float = 60.0,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Return when all nodes are one cluster and let clients in. Raises NodeNotRunning, at once
    when `is_over` says that there is nothing to wait for."""
    deadline = time.monotonic() + within_seconds
    while (problem := _problem(cluster, secrets)) is not None:
        if is_over():
            raise NodeNotRunning("it ended; its log says why")
        if time.monotonic() > deadline:
            raise NodeNotRunning(f"{problem} within {within_seconds:.0f} s")
        time.sleep(0.1)


def is_running(cluster: Cluster, secrets: Secrets) -> bool:
    """Whether all nodes are one cluster and let clients in."""
    return _problem(cluster, secrets) is None


def _problem(cluster: Cluster, secrets: Secrets) -> str | None:
    """What is not so yet."""
    everyone = {node_name(number) for number in cluster.numbers}
    with httpx.Client(auth=(ADMIN, secrets.admin_password), trust_env=False) as client:
        for number in cluster.numbers:
            ports = cluster.ports(number)
            # The API last: asked too early, it fills the log with crashes.
            for port in (ports.mqtt, ports.websocket):
                if not _is_open(cluster.host, port):
                    return f"{node_name(number)} did not open port {port}"
            api = f"http://127.0.0.1:{ports.management}/api"
            try:
                client.get(f"{api}/health/checks/is-in-service").raise_for_status()
                nodes = client.get(f"{api}/nodes").raise_for_status().json()
            except httpx.HTTPError:
                return f"{node_name(number)} did not say that it is in service"
            running = {node["name"] for node in nodes if node["running"]}
            if running != everyone:
                return f"{node_name(number)} knew of {len(running)} nodes out of {len(everyone)}"
    return None


def _is_open(host: str, port: int) -> bool:
    try:
        socket.create_connection((reachable(host), port), timeout=1.0).close()
    except OSError:
        return False
    return True


# The end.


def node_process(cluster: Cluster, number: int) -> int | None:
    """The process id of a node that runs, whoever started it."""
    try:
        process = int((cluster.node_folder(number) / "pid").read_text())
    except (OSError, ValueError):
        return None
    return process if _is_node(cluster, number, process) else None


def stop_node(cluster: Cluster, number: int, *, within_seconds: float = 30.0) -> None:
    """End a node, in good order if it does so in time; one that does not run is ended already."""
    process = node_process(cluster, number)
    if process is None:
        return
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + within_seconds
    while _is_node(cluster, number, process):
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def _is_node(cluster: Cluster, number: int, process: int) -> bool:
    """Whether that process is the node: what a killed one was called may be another's by now."""
    try:
        environ = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    ours = node_environ(cluster, number)
    marks = (f"{name}={ours[name]}" for name in ("RABBITMQ_NODENAME", "ERL_EPMD_PORT"))
    return all(mark.encode() in environ for mark in marks)


def stop_cluster(cluster: Cluster) -> None:
    """End all nodes, and what they found each other by."""
    for number in cluster.numbers:
        stop_node(cluster, number)
    stop_epmd(cluster)


def stop_epmd(cluster: Cluster) -> None:
    """End the cluster's epmd, which the first node started; while a node runs, it is needed."""
    if any(node_process(cluster, number) is not None for number in cluster.numbers):
        return
    command = ["chroot", str(cluster.root), "epmd", "-port", str(cluster.epmd_port), "-kill"]
    deadline = time.monotonic() + _EPMD_ENDS_WITHIN_SECONDS
    # It declines as long as it has not noticed that the last node is gone.
    while _is_open("127.0.0.1", cluster.epmd_port) and time.monotonic() < deadline:
        environ = {"PATH": "/usr/sbin:/usr/bin"}
        subprocess.run(command, env=environ, capture_output=True, check=False)
        time.sleep(0.05)
