"""What a program hears: each text once, in order and without a gap, whenever it was written; and
what is told beside them."""

import pytest

from chat import models as archive
from chat.accounts import account_named
from chat.conversations import direct_key
from chat.models import Conversation, Member
from chat.times import now
from client import Message, Offline, Online, Presence, Receipt, Typing
from tests.client.serving import Serving, next_event, next_texts, until


async def test_what_was_written_while_the_program_was_away_comes_first(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(bob):
        pass
    async with serving.chat(alice) as at_alice:
        for text in ("one", "two"):
            await at_alice.send(bob, text)
        async with serving.chat(bob) as at_bob:
            messages = at_bob.messages()

            assert await next_texts(messages, 2) == ["one", "two"]

            await at_alice.send(bob, "three")
            assert await next_texts(messages, 1) == ["three"]


async def test_what_was_before_the_first_login_is_history(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice:
        await at_alice.send(bob, "long ago")
        async with serving.chat(bob) as at_bob:
            await at_alice.send(bob, "now")

            assert await next_texts(at_bob.messages(), 1) == ["now"]
            assert [each.text for each in (await at_bob.history(alice)).messages] == [
                "long ago",
                "now",
            ]


async def test_a_text_counts_as_dealt_with_when_the_next_one_is_asked_for(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice:
        async with serving.chat(bob) as at_bob:
            for text in ("one", "two", "three"):
                await at_alice.send(bob, text)
            assert await next_texts(at_bob.messages(), 2) == ["one", "two"]

        async with serving.chat(bob) as at_bob:
            assert await next_texts(at_bob.messages(), 2) == ["two", "three"]


async def test_own_texts_come_where_they_are_wanted_and_from_other_programs_too(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as phone, serving.chat(alice, program="b") as desk:
        await phone.send(bob, "from the phone")
        await desk.send(bob, "from the desk")

        assert await next_texts(desk.messages(own=True), 2) == ["from the phone", "from the desk"]


async def test_what_was_taken_back_before_it_was_seen_is_not_handed_out(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(bob):
        pass
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        await at_alice.unsend(await at_alice.send(bob, "oh no"))
        await at_alice.edit(await at_alice.send(bob, "Helo"), "Hello")

        assert await next_texts(at_bob.messages(), 1) == ["Hello"]


async def test_a_gap_is_fetched_while_the_connection_stands(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        messages, events = at_bob.messages(), at_bob.events()
        await at_alice.send(bob, "one")
        assert await next_texts(messages, 1) == ["one"]
        lost: list[Message] = []
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(at_bob._opened._logs, "take", lost.append)
            await at_alice.send(bob, "lost on its way")
            await at_alice.send(bob, "lost as well")
            await until("both to be lost", lambda: len(lost) == 2)

        await at_alice.send(bob, "four")

        assert await next_texts(messages, 3) == ["lost on its way", "lost as well", "four"]
        seqs = [(await next_event(events, Message)).seq for _ in range(4)]
        assert seqs == [1, 2, 3, 4]


async def test_a_program_far_behind_reads_page_by_page(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(bob):
        pass
    fill(serving, alice, bob, 1_000)

    async with serving.chat(bob) as at_bob:
        texts = await next_texts(at_bob.messages(), 1_000)

    assert texts == [f"text {seq}" for seq in range(1, 1_001)]


async def test_both_hear_what_was_delivered_and_read(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        events = at_alice.events()
        text = await at_alice.send(bob, "Hello")

        await next_texts(at_bob.messages(), 1)
        await next_event(events, Receipt, account=bob, delivered=1, read=0)
        await at_bob.read(text)

        await next_event(events, Receipt, account=bob, delivered=1, read=1)
        [line] = await at_alice.conversations()
        assert (line.peer, line.peer_delivered, line.peer_read) == (bob, 1, 1)
        [line] = await at_bob.conversations()
        assert (line.unread, line.read) == (0, 1)


async def test_what_was_read_without_a_network_is_said_when_it_is_back(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        text = await at_alice.send(bob, "Hello")
        events = at_bob.events()
        serving.network.cut()
        await until("the network to be gone", lambda: not at_bob.is_online)

        await at_bob.read(text)
        serving.network.restore()

        await next_event(events, Offline)
        await next_event(events, Online)
        await next_event(events, Receipt, account=bob, read=1)


async def test_each_hears_that_the_other_writes_and_comes_and_goes(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice:
        await at_alice.send(bob, "Hello")
        events = at_alice.events()

        async with serving.chat(bob) as at_bob:
            await next_event(events, Presence, account=bob, online=True)
            await at_bob.typing(alice)
            await next_event(events, Typing, sender=bob)

        await next_event(events, Presence, account=bob, online=False)


async def test_events_begin_when_they_are_asked_for(serving: Serving, alice: str, bob: str) -> None:
    async with serving.chat(alice) as at_alice:
        await at_alice.send(bob, "before")
        events = at_alice.events()
        await at_alice.send(bob, "after")

        assert (await next_event(events, Message)).text == "after"


async def test_a_program_that_is_not_asked_for_its_messages_says_nothing_was_delivered(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        await at_bob.until_online()
        await at_alice.send(bob, "Hello")
        await at_bob.send(alice, "I did not look")

        [line] = await at_alice.conversations()

        assert (line.peer_delivered, line.peer_read) == (0, 0)


@pytest.mark.parametrize("limit", [1, 200])
async def test_history_has_pages_in_both_directions(
    serving: Serving, alice: str, bob: str, limit: int
) -> None:
    fill(serving, alice, bob, 5)

    async with serving.chat(alice) as chat:
        newest = await chat.history(bob, limit=limit)
        after = await chat.history(bob, after=0, limit=limit)
        before = await chat.history(bob, before=1, limit=limit)

    assert newest.messages[-1].seq == 5
    assert newest.more is (limit == 1)
    assert after.messages[0].seq == 1
    assert (before.messages, before.more) == ((), False)


def fill(serving: Serving, sender: str, to: str, count: int) -> None:
    """That many texts, straight into SQL."""
    with serving.installation.database.writing() as session:
        found = [account_named(session, name) for name in (sender, to)]
        first, second = (account.id for account in found if account and account.id)
        conversation = Conversation(key=direct_key(first, second), last_seq=count)
        session.add(conversation)
        session.flush()
        assert conversation.id is not None
        for id in (first, second):
            session.add(Member(conversation_id=conversation.id, account_id=id))
        session.flush()
        for seq in range(1, count + 1):
            session.add(
                archive.Message(
                    conversation_id=conversation.id,
                    seq=seq,
                    sender_id=first,
                    client_id=f"m{seq}",
                    body=f"text {seq}",
                    stored_at=now(),
                )
            )
