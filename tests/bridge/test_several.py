"""Several bridges at once: they share the shards, take over from each other, and never fight."""

import asyncio
import signal
from collections.abc import Callable

import pytest

from chat.topics import down_filter, up
from tests.bridge.test_faults import converse_through, until
from tests.conversing import assert_nothing_lost_or_doubled, pairs_of_talkers
from tests.mqtt import Client
from tests.running import Installation, wait_until

pytestmark = pytest.mark.both_databases


def holders(installation: Installation) -> dict[str, int]:
    """The bridges by name, and how many shards each serves."""
    rows = installation.rows(
        "SELECT worker, count(*) FROM shard WHERE worker IS NOT NULL GROUP BY worker"
    )
    return {str(worker): int(str(count)) for worker, count in rows}


def wait_for_shares(installation: Installation, *shares: int) -> None:
    wait_until(
        f"shares of {shares}",
        lambda: sorted(holders(installation).values()) == sorted(shares),
    )


def test_a_bridge_that_joins_gets_its_share_and_none_fights(installation: Installation) -> None:
    installation.register("alice", "bob")
    installation.start("broker", "bridge")
    wait_for_shares(installation, 16)

    installation.begin("bridge-2")
    wait_for_shares(installation, 8, 8)
    installation.begin("bridge-3")
    wait_for_shares(installation, 6, 5, 5)

    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        alice.publish(up("alice", "bob", "send"), "who serves me?")
        alice.wait_for("message")
    for part in ("bridge", "bridge-2", "bridge-3"):
        assert "no session" not in installation.log(part)  # none was cut off by another


def test_the_shards_of_a_killed_bridge_go_to_the_others(installation: Installation) -> None:
    installation.register("alice", "bob")
    installation.start("broker", "bridge")
    installation.begin("bridge-2")
    wait_for_shares(installation, 8, 8)

    installation.kill("bridge")

    wait_for_shares(installation, 16)
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        alice.publish(up("alice", "bob", "send"), "who serves me now?")
        alice.wait_for("message")


def test_a_bridge_that_is_told_to_end_gives_its_shards_back_at_once(
    installation: Installation,
) -> None:
    installation.start("broker", "bridge")
    installation.begin("bridge-2")
    wait_for_shares(installation, 8, 8)

    installation.kill("bridge", signal.SIGTERM)

    # None waits for a lease to run out.
    assert list(holders(installation).values()) in ([8], [16])
    wait_for_shares(installation, 16)


def test_a_bridge_that_was_frozen_steps_back_and_says_so(installation: Installation) -> None:
    installation.register("alice", "bob")
    installation.start("broker", "bridge")
    installation.begin("bridge-2")
    wait_for_shares(installation, 8, 8)

    installation.process("bridge").send_signal(signal.SIGSTOP)
    wait_for_shares(installation, 16)
    [second] = holders(installation)
    installation.process("bridge").send_signal(signal.SIGCONT)

    wait_until(
        "the first to step back",
        lambda: installation.log("bridge").count("another bridge serves this shard now") == 8,
    )
    wait_for_shares(installation, 8, 8)
    assert second in holders(installation)
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        for number in range(10):
            alice.publish(up("alice", "bob", "send"), f"{number}")
        alice.wait_for("message", lambda message: message["seq"] == 10)
        assert [message["text"] for message in alice.received("message")] == list("0123456789")


def test_a_bridge_that_starts_again_under_its_name_has_its_shards_at_once(
    installation: Installation,
) -> None:
    installation.environ |= {"KATYDID_BRIDGE_NAME": "the-one"}
    installation.start("broker", "bridge")
    [first] = holders(installation)

    installation.kill("bridge")
    installation.begin("bridge")

    wait_for_shares(installation, 16)
    wait_until("its successor", lambda: list(holders(installation)) != [first])
    assert {name.partition("/")[0] for name in holders(installation)} == {"the-one"}


def test_nothing_is_lost_or_doubled_while_bridges_come_and_go(
    installation: Installation, tell: Callable[[str], None]
) -> None:
    installation.start("broker", "bridge")
    talkers = pairs_of_talkers(installation, pairs=5, each=200)

    async def come_and_go(progress: Callable[[], float]) -> None:
        await until(progress, 0.1)
        installation.begin("bridge-2")
        await until(progress, 0.3)
        installation.kill("bridge", signal.SIGTERM)
        installation.begin("bridge")
        await until(progress, 0.5)
        installation.kill("bridge-2")
        installation.begin("bridge-2")
        await until(progress, 0.7)
        installation.process("bridge").send_signal(signal.SIGSTOP)
        await asyncio.sleep(5)
        installation.process("bridge").send_signal(signal.SIGCONT)

    converse_through(installation, talkers, come_and_go)

    assert_nothing_lost_or_doubled(installation, talkers)
    wait_for_shares(installation, 8, 8)
    tell("bridges joined, ended, were killed and frozen under load: 0 lost, 0 doubled")
