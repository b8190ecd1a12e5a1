"""Nothing lost, nothing doubled: bridge, broker and database are killed, locked and restarted."""

import asyncio
import random
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator

import mqtt5
import pytest

from chat.models import SearchProgress
from chat.topics import down_filter, up
from tests import databases
from tests.archives import fill
from tests.conversing import Talker, assert_nothing_lost_or_doubled, pairs_of_talkers
from tests.mqtt import Client
from tests.running import Installation, wait_until


def converse_through(
    installation: Installation,
    talkers: list[Talker],
    trouble: Callable[[Callable[[], float]], Awaitable[None]],
) -> None:
    """Let all talk while there is trouble; it is told which part of the texts has been shown."""

    def progress() -> float:
        return sum(len(one.shown) for one in talkers) / sum(2 * len(one.texts) for one in talkers)

    async def everybody() -> None:
        async with asyncio.timeout(150), asyncio.TaskGroup() as tasks:
            tasks.create_task(trouble(progress))
            for talker in talkers:
                tasks.create_task(talker.talk())
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for talker in talkers:
                tasks.create_task(talker.catch_up())

    asyncio.run(everybody())


async def until(progress: Callable[[], float], part: float) -> None:
    while progress() < part:
        await asyncio.sleep(0.01)


def test_the_bridge_is_killed_three_times_while_20_senders_push_5000_messages(
    installation: Installation, tell: Callable[[str], None]
) -> None:
    installation.start("broker", "bridge")
    talkers = pairs_of_talkers(installation, pairs=10, each=250)
    moments = sorted(random.uniform(0.05, 0.9) for _ in range(3))
    parts = ", ".join(f"{moment:.0%}" for moment in moments)
    tell(f"the bridge was killed when {parts} of 5,000 messages had been shown: 0 lost, 0 doubled")

    async def kill(progress: Callable[[], float]) -> None:
        for moment in moments:
            await until(progress, moment)
            installation.kill("bridge")
            await asyncio.sleep(random.uniform(0, 0.5))
            installation.begin("bridge")

    converse_through(installation, talkers, kill)

    assert_nothing_lost_or_doubled(installation, talkers)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_the_database_server_is_restarted_while_people_write(installation: Installation) -> None:
    installation.start("broker", "bridge")
    talkers = pairs_of_talkers(installation, pairs=4, each=100)

    async def restart(progress: Callable[[], float]) -> None:
        for moment in (0.2, 0.6):
            await until(progress, moment)
            databases.server().stop()
            databases.server().start()

    converse_through(installation, talkers, restart)

    assert_nothing_lost_or_doubled(installation, talkers)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_nobody_waits_while_the_index_takes_in_their_conversation(
    installation: Installation,
) -> None:
    installation.register("alice", "bob")
    installation.start("broker", "bridge")
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        alice.publish(up("alice", "bob", "send"), "first")
        first = alice.wait_for("message")

        with installation.database.indexing() as session:
            session.add(SearchProgress(conversation_id=first["conversation"], seq=1))
            session.flush()
            alice.publish(up("alice", "bob", "send"), "second")
            second = alice.wait_for("message", lambda each: each["seq"] == 2)

    assert second["text"] == "second"
    assert "the database did not take a batch" not in installation.log("bridge")


def test_the_broker_is_restarted_while_people_write(installation: Installation) -> None:
    installation.start("broker", "bridge")
    talkers = pairs_of_talkers(installation, pairs=4, each=100)

    async def restart(progress: Callable[[], float]) -> None:
        await until(progress, 0.2)
        installation.kill("broker", signal.SIGTERM)
        installation.begin("broker")
        await until(progress, 0.6)
        installation.kill("broker")
        installation.begin("broker")

    converse_through(installation, talkers, restart)

    assert_nothing_lost_or_doubled(installation, talkers)


def test_the_database_is_locked_for_10_seconds_while_people_write(
    installation: Installation,
) -> None:
    installation.start("broker", "bridge")
    talkers = pairs_of_talkers(installation, pairs=4, each=50)

    async def lock(progress: Callable[[], float]) -> None:
        await until(progress, 0.2)
        other = sqlite3.connect(installation.settings.home / "katydid.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(10)
        # A renewal of the leases may have waited before the batch, for half of the time.
        while "the database did not take a batch" not in installation.log("bridge"):
            await asyncio.sleep(0.1)
        other.execute("ROLLBACK")
        other.close()

    converse_through(installation, talkers, lock)

    assert_nothing_lost_or_doubled(installation, talkers)
    assert "the database did not take a batch" in installation.log("bridge")
    assert "talker-0 0" not in installation.log("bridge")


def test_what_is_written_while_no_bridge_runs_is_archived_when_one_comes(
    installation: Installation,
) -> None:
    installation.environ |= {"KATYDID_RATE_PER_SECOND": "20", "KATYDID_RATE_BURST": "10"}
    installation.register("alice", "bob")
    installation.start("broker")
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        for number in range(100):
            assert not alice.publish(up("alice", "bob", "send"), f"{number}").is_failure
        installation.start("bridge")
        wait_until(
            "the archive", lambda: installation.rows("SELECT count(*) FROM message") == [(100,)]
        )

        assert alice.received("error") == []
    bodies = installation.rows("SELECT body FROM message ORDER BY seq")
    assert bodies == [(f"{number}",) for number in range(100)]


@pytest.fixture
def limited_alice(installation: Installation) -> Iterator[Client]:
    """Alice, listening, where an account may send 5 messages at once and then one a second."""
    installation.environ |= {"KATYDID_RATE_PER_SECOND": "1", "KATYDID_RATE_BURST": "5"}
    installation.register("alice", "bob")
    installation.start("broker", "bridge")
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        time.sleep(1)  # what comes right after a start may have piled up before it
        yield alice


def test_a_long_page_of_history_counts_as_several_messages(installation: Installation) -> None:
    installation.environ |= {"KATYDID_RATE_PER_SECOND": "1", "KATYDID_RATE_BURST": "8"}
    with installation.database.writing() as session:
        fill(session)
    installation.start("broker", "bridge")
    ask = up("alice", "bob", "history")
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        time.sleep(1)  # what comes right after a start may have piled up before it

        for request, limit in (("1", 1), ("2", 1), ("3", 1), ("long", 200), ("too early", 1)):
            alice.publish(ask, {"request": request, "limit": limit})
            wait_until(
                f"an answer to {request}",
                lambda request=request: (
                    request in [page["request"] for page in alice.received("history")]
                    or request in [error["id"] for error in alice.received("error")]
                ),
            )

        assert [page["request"] for page in alice.received("history")] == ["1", "2", "3", "long"]
        [refused] = alice.received("error")
    assert (refused["id"], refused["reason"]) == ("too early", "rate-limited")


def test_who_sends_too_fast_is_told_so(limited_alice: Client) -> None:
    for number in range(20):
        limited_alice.publish(up("alice", "bob", "send"), {"id": f"{number}", "text": "x"})
    limited_alice.wait_for("error", lambda error: error["id"] == "19")

    refused = limited_alice.received("error")
    stored = limited_alice.received("message")
    assert {error["reason"] for error in refused} == {"rate-limited"}
    assert len(stored) >= 5
    ids = {record["id"] for record in [*refused, *stored]}
    assert ids == {f"{number}" for number in range(20)}


def test_a_flood_of_what_is_malformed_is_not_answered_by_another(limited_alice: Client) -> None:
    for _ in range(200):
        limited_alice.publish(up("alice", "bob", "read"), b"nonsense")
    limited_alice.publish(up("alice", "bob", "send"), {"id": "1", "text": "x"})
    limited_alice.wait_for("message")

    assert 25 <= len(limited_alice.received("error")) < 100


@pytest.mark.parametrize(
    "properties",
    [
        {"payload_format_indicator": 1},
        {"content_type": "text/\x01\x7f"},
        {"user_properties": [("key", "value")] * 500},
        {"correlation_data": b"\x00" * 60_000},
        {"response_topic": "chat/v1/down/alice/x"},
        {"message_expiry_interval": 4_000_000_000},
        {"retain": True},
        {"duplicate": True},
    ],
    ids=lambda properties: next(iter(properties)),
)
def test_strange_packets_stop_nothing(
    shared_bridge: Installation, properties: dict[str, object]
) -> None:
    """What a stock client would not send, as raw packets from an account that may publish."""
    device = shared_bridge.new_device("alice")
    packets = [
        mqtt5.ConnectPacket(
            device.user_name, username=device.user_name, password=device.password.encode()
        ),
        *(
            mqtt5.PublishPacket(
                up("alice", "bob", verb),
                b"\xff\xfe",
                qos=mqtt5.QoS.AT_LEAST_ONCE,
                packet_id=packet_id,
                **properties,  # type: ignore[arg-type]
            )
            for packet_id, verb in enumerate(("send", "history", "read", "typing"), start=1)
        ),
    ]

    async def send_raw() -> None:
        settings = shared_bridge.settings
        reader, writer = await asyncio.open_connection(settings.broker_host, settings.mqtt_port)
        writer.write(b"".join(packet.write() for packet in packets))
        await writer.drain()
        await asyncio.wait_for(reader.read(1), 10)
        await asyncio.sleep(0.2)
        writer.close()

    asyncio.run(send_raw())

    with Client(shared_bridge.settings, shared_bridge.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        alice.publish(up("alice", "bob", "send"), "life goes on")
        assert alice.wait_for("message")["text"] == "life goes on"
