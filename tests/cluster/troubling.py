"""20 people write 300 messages a second through a cluster while something is done to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

from tests.cluster.running_cluster import RunningCluster
from tests.conversing import Talker, pairs_of_talkers

PEOPLE = 20
MESSAGES_PER_SECOND = 300
_numbers = count(1)

Trouble = Callable[[list[Talker]], Awaitable[None]]


def converse(cluster: RunningCluster, trouble: Trouble) -> list[Talker]:
    """Let them write until the trouble is over, and catch up."""
    talkers = pairs_of_talkers(
        cluster,
        pairs=PEOPLE // 2,
        each=10_000,
        called=f"load{next(_numbers)}",
        window=1,  # so that each one's order is kept, whatever has to be sent again
        pace_seconds=PEOPLE / MESSAGES_PER_SECOND,
    )

    async def until_over() -> None:
        await asyncio.sleep(2)  # everybody is connected
        try:
            await trouble(talkers)
            await asyncio.sleep(1)
        finally:
            for talker in talkers:
                talker.enough()

    async def everybody() -> None:
        async with asyncio.timeout(200), asyncio.TaskGroup() as tasks:
            tasks.create_task(until_over())
            for talker in talkers:
                tasks.create_task(talker.talk())
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            for talker in talkers:
                tasks.create_task(talker.catch_up())

    asyncio.run(everybody())
    return talkers


async def until_all_hear_again(talkers: list[Talker]) -> None:
    """Until each has heard something that was told after this moment."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        while any(not each.heard_at or each.heard_at[-1] < began + 0.2 for each in talkers):
            await asyncio.sleep(0.05)
