"""`kill -9` of the program itself, between any two steps of a send and at any moment of many: the
archive has each text that was on disk, once and in order, and so has whoever hears them."""

import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from chat.settings import REPOSITORY
from tests.client.serving import Serving, next_texts

# Which step is which differs from one send to the next: these are come upon by name.
MOMENTS = [
    "call Outbox.add",
    "return Outbox.add",
    "call Session.publish",
    "return Session.publish",
    "call Sending.came_back",
    "return Sending.came_back",
    "call Outbox.remove",
    "return Outbox.remove",
]
SENDS = 500


async def test_a_program_killed_between_any_two_steps_of_a_send_loses_and_doubles_nothing(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice), serving.chat(bob):
        pass

    lives = die("dying", serving, alice, bob, *MOMENTS)

    async with serving.chat(alice) as chat:
        await chat.send(bob, "the end")
        assert chat.waiting() == []
    archived = serving.archived(alice)
    assert [moment for moment in MOMENTS if moment not in {life["at"] for life in lives}] == []
    assert [text for text, times in Counter(archived).items() if times > 1] == []
    kept = {text for life in lives for text in life["kept"]}
    assert kept - set(archived) == set()
    assert lives[-1]["at"] == ""
    assert archived[-2:] == [f"text {len(lives)}", "the end"]
    in_order = [
        text for text in (f"text {n}" for n in range(1, len(lives) + 1)) if text in archived
    ]
    assert archived == [*in_order, "the end"]
    async with serving.chat(bob) as chat:
        assert await next_texts(chat.messages(), len(archived)) == archived


def test_of_500_sends_of_a_program_killed_at_random_each_that_was_reported_is_archived_once(
    serving: Serving, alice: str, bob: str, tell: Callable[[str], None]
) -> None:
    asyncio.run(log_in(serving, alice, bob))
    seed = random.randrange(1_000_000)

    [said] = die("dying_at_random", serving, alice, bob, str(SENDS), str(seed))

    reported = [f"text {number}" for number in said["reported"]]
    heard = asyncio.run(rest_and_heard(serving, alice, bob))
    archived = serving.archived(alice)
    words = f"seed {seed}: {said['lives'] - 1} kills in {said['begun']} sends"
    tell(f"client, {words}, {len(reported)} reported, {len(archived) - 1} archived")
    assert said["begun"] == SENDS
    assert (said["lives"] > 1, len(reported) < SENDS, said["kept"] == []) == (True, True, False)
    assert [text for text, times in Counter(archived).items() if times > 1] == [], words
    assert set(reported) - set(archived) == set(), words
    assert set(said["kept"]) - set(archived) == set(), words
    written = [*(f"text {number}" for number in range(1, SENDS + 1)), "the end"]
    assert archived == [text for text in written if text in set(archived)], words
    assert heard == archived, words


async def log_in(serving: Serving, *accounts: str) -> None:
    for account in accounts:
        async with serving.chat(account):
            pass


async def rest_and_heard(serving: Serving, sender: str, hearer: str) -> list[str]:
    """Send what is left, and answer what the other hears of all."""
    async with serving.chat(sender) as chat:
        await chat.send(hearer, "the end")
        assert chat.waiting() == []
    async with serving.chat(hearer) as chat:
        return await next_texts(chat.messages(), len(serving.archived(sender)))


def die(program: str, serving: Serving, account: str, *words: str) -> list[dict[str, Any]]:
    """What the program says of its lives, as an object a line."""
    given = [serving.url, account, str(serving.folder(account)), *words]
    done = subprocess.run(
        [sys.executable, "-m", f"tests.client.{program}", *given],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
