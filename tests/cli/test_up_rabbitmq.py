"""`./katydid up` with a RabbitMQ that somebody else runs."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chat.topics import down_filter, up
from cli.cluster.rabbitmq import prepare_node
from tests.cli.starting import Up, processes_of, run_up
from tests.conftest import needs
from tests.mqtt import Client
from tests.rabbitmq import RabbitInstallation
from tests.running import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[RabbitInstallation]:
    """An installation whose RabbitMQ does not run yet."""
    needs("npm")
    installation = RabbitInstallation(tmp_path)
    installation.register("alice", "bob")
    yield installation
    for pid in processes_of(installation.settings.home):
        os.kill(pid, 9)
    installation.stop_all()


def start_with(rabbitmq: RabbitInstallation, file: Path) -> None:
    """As a person does who is told to: the file in the place of the node's own."""
    cluster = rabbitmq.cluster
    prepare_node(cluster, 1, rabbitmq.secrets)
    own = cluster.node_folder(1) / "rabbitmq.conf"
    owner = own.stat()
    # But for one port, which is not ours to take on this machine.
    port = f"prometheus.tcp.port = {cluster.ports(1).prometheus}"
    own.write_text(file.read_text().replace("prometheus.tcp.port = 15692", port))
    os.chown(own, owner.st_uid, owner.st_gid)
    rabbitmq.begin_as_it_is("broker")
    wait_until("RabbitMQ to run", lambda: rabbitmq.is_ready("broker"), seconds=60)


def test_it_says_what_rabbitmq_must_be_told_and_then_runs_with_it(
    rabbitmq: RabbitInstallation,
) -> None:
    first = run_up(rabbitmq.environ)

    file = rabbitmq.settings.broker_dir / "rabbitmq.conf"
    assert first.returncode == 1
    assert f"RabbitMQ at 127.0.0.1 must run with {file}, which holds secrets" in first.stderr
    assert "The broker cannot be told just now: it cannot be reached." in first.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert rabbitmq.secrets.admin_password not in first.stderr

    start_with(rabbitmq, file)
    started = Up(rabbitmq)

    assert httpx.get(f"{started.url}/healthz").status_code == 200
    with (
        Client(rabbitmq.settings, rabbitmq.new_device("alice")) as alice,
        Client(rabbitmq.settings, rabbitmq.new_device("bob"), websocket=True) as bob,
    ):
        bob.subscribe(down_filter("bob"))
        assert not alice.publish(up("alice", "bob", "send"), "hello").is_failure
        assert bob.wait_for("message")["text"] == "hello"
    assert started.end() == 0
