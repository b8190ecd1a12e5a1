"""No device is let in at a RabbitMQ that would forget what the device sends."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.topics import up
from tests.mqtt import Client
from tests.rabbitmq import RabbitInstallation
from tests.running import wait_until

pytestmark = pytest.mark.cluster


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RabbitInstallation]:
    """A RabbitMQ that no bridge has ever come to."""
    installation = RabbitInstallation(tmp_path)
    installation.register("alice", "bob")
    installation.start("door", "broker")
    yield installation
    installation.stop_all()


def is_anybody_let_in(broker: RabbitInstallation) -> bool:
    client = Client(broker.settings, broker.new_device("alice")).connect()
    client.close()
    return not client.connect_reason.is_failure


def test_the_doors_open_when_the_bridges_sessions_are_there_and_close_when_they_are_lost(
    broker: RabbitInstallation,
) -> None:
    assert not is_anybody_let_in(broker)
    broker.start("bridge")
    assert is_anybody_let_in(broker)
    broker.kill("bridge", signal.SIGTERM)
    assert is_anybody_let_in(broker)  # what is sent waits in them

    broker.kill("broker")
    shutil.rmtree(broker.cluster.node_folder(1))
    broker.start("broker")

    assert not is_anybody_let_in(broker)
    broker.start("bridge")
    wait_until("the doors to open", lambda: is_anybody_let_in(broker))


def test_what_waits_for_the_bridge_survives_the_brokers_crash(broker: RabbitInstallation) -> None:
    broker.start("bridge")
    broker.kill("bridge")
    with Client(broker.settings, broker.new_device("alice")) as alice:
        assert not alice.publish(up("alice", "bob", "send"), "is anybody there").is_failure
    broker.kill("broker")
    broker.start("broker")

    broker.start("bridge")

    wait_until(
        "the archive to have it",
        lambda: broker.rows("SELECT body FROM message") == [("is anybody there",)],
    )
