"""The client in Python through a whole cluster: RabbitMQ does all that it wants of a broker, and of
a node that is killed meanwhile nobody notices more than a pause."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from client import Katydid, Presence, Receipt
from tests.client.serving import QUICK, next_event, next_texts
from tests.cluster.running_cluster import RunningCluster
from tests.running import wait_until
from tests.web.visitor import PASSWORD

TEXTS = [f"text {number}" for number in range(30)]
# A node that is killed takes its time to be missed.
TIMING = replace(QUICK, broker_seconds=5.0, site_seconds=15.0)
_numbers = count(1)

NewChat = Callable[[str], Katydid]


@pytest.fixture
def new_chat(cluster: RunningCluster, tmp_path: Path) -> NewChat:
    """Makes programs, each of an account of its own; the same name is the same program."""
    number = next(_numbers)

    def make(name: str) -> Katydid:
        account, folder = f"{name}-of-client-{number}", tmp_path / name
        if not folder.exists():
            cluster.add_account(account, password=PASSWORD)
        return Katydid(
            cluster.url, account, password=PASSWORD, folder=folder, timing=TIMING, mqtt="5"
        )

    return make


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 100))


def test_two_programs_talk_and_tell_each_other_what_they_have_read_and_when_they_go(
    new_chat: NewChat,
) -> None:
    async def talk() -> None:
        alice, bob = new_chat("alice"), new_chat("bob")
        async with alice:
            events = alice.events()
            async with bob:
                heard = bob.messages()
                text = await alice.send(bob.account, "Hello, Bob")
                assert await next_texts(heard, 1) == ["Hello, Bob"]
                await bob.read(text)
                await next_event(events, Receipt, account=bob.account, delivered=1, read=1)

                answer = await bob.reply(text, "Hello, Alice")

                assert (answer.seq, answer.reply_to) == (2, 1)
                for chat, peer in ((alice, bob), (bob, alice)):
                    page = await chat.history(peer.account)
                    assert [each.text for each in page.messages] == ["Hello, Bob", "Hello, Alice"]
            await next_event(events, Presence, account=bob.account, online=False)
            async with new_chat("bob"):
                await next_event(events, Presence, account=bob.account, online=True)

    run(talk())


def test_when_a_node_is_killed_nothing_is_lost_doubled_or_out_of_order(
    cluster: RunningCluster, new_chat: NewChat
) -> None:
    killed: list[str] = []

    async def talk() -> None:
        async with new_chat("alice") as alice, new_chat("bob") as bob:
            heard = asyncio.create_task(next_texts(bob.messages(), len(TEXTS)))
            await alice.send(bob.account, TEXTS[0])
            [node] = await asyncio.to_thread(node_of, cluster, alice.account)
            killed.append(node)

            sending = [asyncio.create_task(alice.send(bob.account, text)) for text in TEXTS[1:]]
            await asyncio.to_thread(cluster.kill, node)
            await asyncio.gather(*sending)

            assert await heard == TEXTS
            assert alice.waiting() == []
            assert archived(cluster, alice.account) == TEXTS

    run(talk())
    cluster.wait_until_well(*killed)


def node_of(cluster: RunningCluster, account: str) -> list[str]:
    """The one that the account's program is connected to."""
    wait_until(f"{account} to be at a node", lambda: cluster.nodes_of(account))
    return cluster.nodes_of(account)


def archived(cluster: RunningCluster, sender: str) -> list[str]:
    rows = cluster.rows(
        "SELECT message.body FROM message JOIN account ON account.id = message.sender_id"
        f" WHERE account.name = '{sender}' ORDER BY message.seq"
    )
    return [str(body) for (body,) in rows]
