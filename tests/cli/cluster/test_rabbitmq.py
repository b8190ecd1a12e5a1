"""RabbitMQ's nodes on this machine: started, found by each other, killed, stopped."""

import contextlib
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.chaos.disk import small_disk
from chat.secrets import Secrets, ServerKeys
from chat.settings import REPOSITORY
from chat.user_names import ADMIN
from cli.cluster.rabbitmq import (
    NodeNotRunning,
    configuration,
    node_command,
    node_environ,
    node_process,
    prepare_node,
    stop_cluster,
    wait_until_running,
)
from cli.cluster.watch import Watch
from tests.rabbitmq import RabbitNodes, new_cluster
from tests.running import is_listening, wait_until

pytestmark = pytest.mark.cluster
SECRETS = Secrets(ServerKeys(b"k" * 32), "the admin's password " + "a" * 43, "b" * 43)
DOOR = "http://127.0.0.1:1/the-long-word"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[RabbitNodes]:
    """One node that does not run yet."""
    nodes = RabbitNodes(new_cluster(tmp_path, nodes=1, door_url=DOOR), SECRETS)
    yield nodes
    nodes.stop()
    assert not is_listening(nodes.cluster.epmd_port)


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[RabbitNodes]:
    """Three nodes that do not run yet."""
    nodes = RabbitNodes(new_cluster(tmp_path, nodes=3, door_url=DOOR), SECRETS)
    yield nodes
    nodes.stop()


def names_that_node_knows(nodes: RabbitNodes, number: int) -> list[str]:
    port = nodes.cluster.ports(number).management
    answer = httpx.get(
        f"http://127.0.0.1:{port}/api/nodes", auth=(ADMIN, SECRETS.admin_password), timeout=10
    )
    return sorted(node["name"] for node in answer.json() if node["running"])


def test_a_node_listens_where_it_is_told_and_nowhere_else(nodes: RabbitNodes) -> None:
    nodes.start()

    ports = nodes.cluster.ports(1)
    told = {ports.mqtt, ports.websocket, ports.management, ports.prometheus, ports.distribution}
    assert listening_ports(nodes.processes[1].pid) == told


def listening_ports(process: int) -> set[int]:
    """Where the process listens, by the kernel's own tables."""
    folders = Path(f"/proc/{process}/fd").iterdir()
    links = {str(link.readlink()) for link in folders if link.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
    ]
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and is_of(row, links)}


def is_of(row: list[str], links: set[str]) -> bool:
    return f"socket:[{row[9]}]" in links


def test_a_node_knows_the_admin_and_no_guest(nodes: RabbitNodes) -> None:
    nodes.start()

    api = f"http://127.0.0.1:{nodes.cluster.ports(1).management}/api/whoami"
    assert httpx.get(api, auth=(ADMIN, SECRETS.admin_password)).status_code == 200
    assert httpx.get(api, auth=(ADMIN, "wrong")).status_code == 401
    assert httpx.get(api, auth=("guest", "guest")).status_code == 401


def test_what_is_secret_is_for_its_owner_alone(nodes: RabbitNodes) -> None:
    nodes.start()

    folder = nodes.cluster.node_folder(1)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("rabbitmq.conf", ".erlang.cookie"):
        assert stat.S_IMODE((folder / name).stat().st_mode) & 0o077 == 0
    words = node_command(nodes.cluster, 1) + list(node_environ(nodes.cluster, 1).values())
    for secret in (SECRETS.admin_password, "the-long-word"):
        assert all(secret not in word for word in words)
        assert secret not in nodes.log(1)


def test_the_process_is_the_node_and_ends_in_good_order(nodes: RabbitNodes) -> None:
    nodes.start()
    process = nodes.processes[1]
    assert node_process(nodes.cluster, 1) == process.pid

    stop_cluster(nodes.cluster)

    assert process.wait(timeout=15) == 0
    assert node_process(nodes.cluster, 1) is None
    assert not is_listening(nodes.cluster.epmd_port)


def test_a_node_ends_when_its_parent_is_killed(nodes: RabbitNodes) -> None:
    cluster = nodes.cluster
    prepare_node(cluster, 1, SECRETS)
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; subprocess.run(sys.argv[1:])",
            *node_command(cluster, 1),
        ],
        env=node_environ(cluster, 1),
        stdout=subprocess.DEVNULL,
    )
    wait_until_running(cluster, SECRETS)

    parent.kill()
    parent.wait()

    wait_until("the node's end", lambda: node_process(cluster, 1) is None)


def test_a_node_that_lost_what_it_knew_on_a_full_disk_is_ended_and_knows_it_when_it_is_back(
    tmp_path: Path,
) -> None:
    cluster = new_cluster(tmp_path, nodes=1, door_url=DOOR)
    # Of the node alone: one that cannot write its log ends by itself.
    with small_disk(cluster.node_folder(1), megabytes=900) as disk:
        nodes = RabbitNodes(cluster, SECRETS)
        try:
            nodes.start()
            node = nodes.processes[1]
            watch = Watch(cluster, httpx.BasicAuth(ADMIN, SECRETS.admin_password))
            api = f"http://127.0.0.1:{cluster.ports(1).management}/api"
            with httpx.Client(auth=(ADMIN, SECRETS.admin_password), timeout=10) as admin:
                declare_queue(admin, f"{api}/queues/%2F/kept")
                for _ in range(6):
                    watch.look()
                assert node.poll() is None

                disk.fill()
                with contextlib.suppress(httpx.HTTPError):
                    publish(admin, api, to="kept")
                disk.empty()
                wait_until(
                    "the node to refuse its admin",
                    lambda: admin.get(f"{api}/whoami").status_code == 401,
                )
                for _ in range(5):
                    watch.look()
                node.wait(timeout=10)

                nodes.processes.clear()
                nodes.start()
                assert admin.get(f"{api}/queues/%2F/kept").status_code == 200
        finally:
            nodes.stop()


def declare_queue(admin: httpx.Client, url: str) -> None:
    quorum = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
    admin.put(url, json=quorum).raise_for_status()


def publish(admin: httpx.Client, api: str, *, to: str) -> None:
    message = {
        "properties": {"delivery_mode": 2},
        "routing_key": to,
        "payload": "x" * 200_000,
        "payload_encoding": "string",
    }
    admin.post(f"{api}/exchanges/%2F/amq.default/publish", json=message, timeout=1)


def test_a_node_that_has_never_known_the_password_is_left_alone(nodes: RabbitNodes) -> None:
    nodes.start()
    watch = Watch(nodes.cluster, httpx.BasicAuth(ADMIN, "not the admin's password"))

    for _ in range(6):
        watch.look()

    assert nodes.processes[1].poll() is None


def test_a_node_that_cannot_start_is_said_to_have_ended(nodes: RabbitNodes) -> None:
    nodes.begin(1)
    nodes.processes[1].kill()

    with pytest.raises(NodeNotRunning, match="it ended; its log says why"):
        nodes.start()


def test_three_nodes_are_one_cluster_and_a_killed_one_comes_back(three_nodes: RabbitNodes) -> None:
    three_nodes.start()
    everyone = ["rabbit1@localhost", "rabbit2@localhost", "rabbit3@localhost"]
    assert [names_that_node_knows(three_nodes, number) for number in (1, 2, 3)] == [everyone] * 3

    three_nodes.kill(2, signal.SIGKILL)
    wait_until(
        "the others to notice", lambda: "2" not in str(names_that_node_knows(three_nodes, 1))
    )
    three_nodes.start()

    assert names_that_node_knows(three_nodes, 2) == everyone


def test_each_line_that_is_the_installations_is_said_by_it(tmp_path: Path) -> None:
    cluster = new_cluster(tmp_path, nodes=3, door_url=DOOR)
    template = (REPOSITORY / "deploy" / "rabbitmq.conf").read_text().splitlines()

    lines = configuration(cluster, 2, SECRETS).splitlines()

    ports = cluster.ports(2)
    for line in (
        f"default_pass = {SECRETS.admin_password}",
        *(f"cluster_formation.classic_config.nodes.{n} = rabbit{n}@localhost" for n in (1, 2, 3)),
        "cluster_formation.target_cluster_size_hint = 3",
        "vm_memory_high_watermark.relative = 0.20",
        f"mqtt.listeners.tcp.1 = 127.0.0.1:{ports.mqtt}",
        f"web_mqtt.tcp.listener = 127.0.0.1:{ports.websocket}",
        f"auth_http.user_path = {DOOR}/user",
        f"management.tcp.port = {ports.management}",
    ):
        assert line in lines
    assert not [line for line in lines if "$(" in line]
    assert [line for line in template if line.startswith("#")] == [
        line for line in lines if line.startswith("#")
    ]


def test_only_root_may_enter_a_root() -> None:
    as_somebody = (
        "import os; from cli.cluster.debian_root import check_may_enter_roots; "
        "os.setuid(65534); check_may_enter_roots()"
    )

    asked = subprocess.run(
        [sys.executable, "-c", as_somebody],
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )

    assert "only root may enter one; run this as root." in asked.stderr
