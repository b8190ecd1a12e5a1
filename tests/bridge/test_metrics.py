"""What the bridge counts, read as the site's /metrics reads it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from chat.topics import down_filter, up
from tests.mqtt import Client
from tests.running import Installation, wait_until


@pytest.fixture
def shown(installation: Installation, tmp_path: Path) -> Callable[[], str]:
    """What the bridge's figures are just now; Alice and Bob are there, and all runs."""
    metrics = tmp_path / "metrics"
    metrics.mkdir()
    installation.environ |= {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    installation.register("alice", "bob")
    installation.start("broker", "bridge")

    def shown() -> str:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(metrics))  # type: ignore[no-untyped-call]
        return generate_latest(registry).decode()

    return shown


def test_archived_repeated_and_refused_are_counted(
    installation: Installation, shown: Callable[[], str]
) -> None:
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        for to, message in (("bob", "1"), ("bob", "2"), ("bob", "2"), ("zed", "3")):
            alice.publish(up("alice", to, "send"), {"id": message, "text": "a secret"})
        alice.wait_for("error")

    wait_until("the archived", lambda: "katydid_messages_archived_total 2.0" in shown())
    assert "katydid_messages_repeated_total 1.0" in shown()
    assert 'katydid_refusals_total{reason="unknown-recipient"} 1.0' in shown()
    assert "katydid_sessions_connected 16.0" in shown()
    assert "a secret" not in shown() + installation.log("bridge")


def test_what_waits_for_the_archive_is_shown(
    installation: Installation, shown: Callable[[], str]
) -> None:
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        with installation.database.writing() as session:
            session.connection()  # which takes the lock
            alice.publish(up("alice", "bob", "send"), "hello")
            wait_until("it to wait", lambda: "katydid_commands_waiting 1.0" in shown())
        alice.wait_for("message")

    wait_until("it to be archived", lambda: "katydid_commands_waiting 0.0" in shown())
