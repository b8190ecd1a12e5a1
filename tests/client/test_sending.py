"""What a program sends: archived once, in order, or refused with an error named after the cause."""

import asyncio
from typing import Any

import pytest

from client import (
    Closed,
    Malformed,
    NotSent,
    Refused,
    Rejected,
    TooLong,
    UnknownRecipient,
)
from tests.client.serving import Serving, next_event, next_texts, until

WAYS = [
    pytest.param({"mqtt": mqtt, "transport": transport}, id=f"{mqtt} over {transport}")
    for mqtt in ("5", "3.1.1")
    for transport in ("tcp", "websocket")
]


@pytest.mark.parametrize("way", WAYS)
async def test_send_answers_with_the_archived_record(
    serving: Serving, alice: str, bob: str, way: dict[str, Any]
) -> None:
    async with serving.chat(alice, **way) as at_alice, serving.chat(bob, **way) as at_bob:
        record = await at_alice.send(bob, "Hello, Bob")
        answer = await at_bob.reply(record, "Hello, Alice")

        assert (record.seq, record.text, record.sender, record.to) == (1, "Hello, Bob", alice, bob)
        assert (answer.seq, answer.reply_to) == (2, 1)
        assert await next_texts(at_bob.messages(), 1) == ["Hello, Bob"]
    assert serving.archived(alice) == ["Hello, Bob"]


async def test_what_is_sent_at_once_is_archived_in_the_order_of_writing(
    serving: Serving, alice: str, bob: str
) -> None:
    texts = [f"text {number}" for number in range(50)]

    async with serving.chat(alice) as chat:
        records = await asyncio.gather(*[chat.send(bob, text) for text in texts])

    assert [record.seq for record in records] == list(range(1, 51))
    assert serving.archived(alice) == texts


async def test_more_than_the_server_allows_is_sent_more_slowly(
    serving: Serving, alice: str, bob: str
) -> None:
    texts = [f"text {number}" for number in range(100)]

    async with serving.chat(alice) as chat:
        await asyncio.gather(*[chat.send(bob, text) for text in texts])

    assert serving.archived(alice) == texts


async def test_a_text_is_edited_reacted_to_and_taken_back(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        events = at_bob.events()
        text = await at_alice.send(bob, "Helo")
        await at_alice.edit(text, "Hello")
        await at_bob.react(text, "👍")
        [now, *_] = (await at_alice.history(bob)).messages
        assert (now.text, now.reactions) == ("Hello", {bob: "👍"})

        await at_bob.react(text, "")
        await at_alice.unsend(text)

        [now, *_] = (await at_alice.history(bob)).messages
        assert (now.text, now.reactions, now.unsent_at is None) == ("", {}, False)
        shown = await next_event(events, type(text), kind="text")
        for kind in ("edit", "reaction", "reaction", "unsend"):
            shown = shown.changed_by(await next_event(events, type(text), kind=kind))
        assert (shown.text, shown.reactions, shown.unsent_at) == ("", {}, now.unsent_at)


REFUSALS = [
    pytest.param("nobody-at-all", "Hello", UnknownRecipient, id="no such account"),
    pytest.param("No account/#", "Hello", UnknownRecipient, id="no name of an account"),
    pytest.param("alice", "Hello", Refused, id="oneself"),
    pytest.param("bob", "x" * 4_001, TooLong, id="too long"),
    pytest.param("bob", " \n", Malformed, id="empty"),
    pytest.param("bob", "half a \ud83e", Malformed, id="half a character"),
]


@pytest.mark.parametrize(("to", "text", "cause"), REFUSALS)
async def test_what_will_never_be_archived_is_an_error_named_after_the_cause(
    serving: Serving, alice: str, bob: str, to: str, text: str, cause: type[NotSent]
) -> None:
    to = {"alice": alice, "bob": bob}.get(to, to)

    async with serving.chat(alice) as chat:
        with pytest.raises(NotSent) as refusal:
            await chat.send(to, text)

        assert type(refusal.value) is cause
        assert chat.waiting() == []
        assert (await chat.send(bob, "and on it goes")).seq == 1
    assert serving.archived(alice) == ["and on it goes"]


async def test_nobody_edits_what_another_has_written(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        text = await at_alice.send(bob, "Mine")

        with pytest.raises(Refused, match="not yours"):
            await at_bob.edit(text, "Not yours")


async def test_who_stops_waiting_does_not_stop_the_sending(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as chat:
        serving.network.freeze()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await chat.send(bob, "later")
        assert [outgoing.text for outgoing in chat.waiting(bob)] == ["later"]

        serving.network.restore()

        await until("the outbox to be empty", lambda: not chat.waiting())
    assert serving.archived(alice) == ["later"]


async def test_what_an_earlier_run_left_and_nobody_waits_for_is_told_when_it_is_rejected(
    serving: Serving, alice: str
) -> None:
    async with serving.chat(alice) as chat:
        serving.network.cut()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await chat.send("nobody-at-all", "Hello")

    async with serving.chat(alice) as chat:
        events = chat.events()
        serving.network.restore()

        rejected = await next_event(events, Rejected)

        assert rejected.outgoing.text == "Hello"
        assert "nobody-at-all" in rejected.detail
        assert chat.waiting() == []


async def test_a_chat_that_is_not_open_says_so(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice) as chat:
        pass

    with pytest.raises(Closed):
        await chat.send(bob, "Hello")
