"""20 people write 300 messages a second while the cluster's parts are killed, frozen, restarted."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.cluster.running_cluster import RunningCluster
from tests.cluster.troubling import converse, until_all_hear_again
from tests.conversing import Talker, assert_nothing_lost_or_doubled, longest_pause_seconds


def test_nothing_is_lost_or_doubled_whatever_part_is_killed_or_frozen(
    cluster: RunningCluster, tell: Callable[[str], None]
) -> None:
    pauses: dict[str, float] = {}

    async def one_fault_after_the_other(talkers: list[Talker]) -> None:
        async def suffer(name: str, part: str, fault: Callable[[], Awaitable[None]]) -> None:
            since = time.monotonic()
            await fault()
            await until_all_hear_again(talkers)
            await asyncio.to_thread(cluster.wait_until_ready)
            if part != "postgres":
                await asyncio.to_thread(cluster.wait_until_well, *_seen_by_proxy(part))
            await until_all_hear_again(talkers)
            pauses[name] = longest_pause_seconds(talkers, since, time.monotonic())

        async def kill(part: str) -> None:
            await asyncio.to_thread(cluster.kill, part)

        async def freeze(part: str) -> None:
            cluster.freeze(part)
            await asyncio.sleep(10)
            cluster.thaw(part)

        await suffer("a broker node killed", "rabbitmq-2", lambda: kill("rabbitmq-2"))
        await suffer("a bridge killed", "bridge-1", lambda: kill("bridge-1"))
        await suffer("a web worker killed", "web-1", lambda: kill("web-1"))
        await suffer(
            "PostgreSQL restarted",
            "postgres",
            lambda: asyncio.to_thread(cluster.restart, "postgres"),
        )
        await suffer("a bridge frozen for 10 s", "bridge-2", lambda: freeze("bridge-2"))

    talkers = converse(cluster, one_fault_after_the_other)

    assert_nothing_lost_or_doubled(cluster, talkers)
    written = sum(len(talker.texts) for talker in talkers)
    described = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in pauses.items())
    tell(f"cluster, {written:,} messages: 0 lost, 0 doubled; longest pauses: {described}")


def test_nothing_is_lost_or_doubled_while_every_part_is_restarted_in_turn(
    cluster: RunningCluster, tell: Callable[[str], None]
) -> None:
    async def restart_all(talkers: list[Talker]) -> None:
        for part in (
            *("postgres", "rabbitmq-1", "rabbitmq-2", "rabbitmq-3"),
            *("haproxy", "door-1", "door-2", "bridge-1", "bridge-2", "web-1", "web-2"),
        ):
            if part.startswith("rabbitmq"):
                await asyncio.to_thread(cluster.wait_until_spare, part)
            await asyncio.to_thread(cluster.restart, part)
            await asyncio.to_thread(cluster.wait_until_ready)
            await asyncio.to_thread(cluster.wait_until_well, *_seen_by_proxy(part))
        await until_all_hear_again(talkers)

    began = time.monotonic()
    talkers = converse(cluster, restart_all)
    seconds = time.monotonic() - began

    assert_nothing_lost_or_doubled(cluster, talkers)
    written = sum(len(talker.texts) for talker in talkers)
    tell(f"cluster, restarted in turn, {written:,} messages in {seconds:.0f} s: 0 lost, 0 doubled")


def _seen_by_proxy(part: str) -> tuple[str, ...]:
    return (part,) if part.startswith(("rabbitmq", "door", "web")) else ()
