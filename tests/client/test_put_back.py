"""A program at an archive that has less than the program knows: it was put back as it was before,
or what is old is no longer kept."""

from chat.accounts import account_named
from client import Message, Offline
from tests.client.serving import Serving, next_event, next_texts, until
from tests.client.test_listening import fill
from tests.web.site import execute


def forget(serving: Serving, alice: str, *, which: str, last_seq: int) -> None:
    """The messages of Alice's conversation that are so are gone."""
    with serving.installation.database.reading() as session:
        account = account_named(session, alice)
    assert account is not None
    of_alice = "SELECT conversation_id FROM member WHERE account_id = :id"
    for statement in (
        f"DELETE FROM message WHERE {which} AND conversation_id IN ({of_alice})",
        f"UPDATE conversation SET last_seq = {last_seq} WHERE id IN ({of_alice})",
    ):
        execute(serving.installation, statement, id=account.id)


async def test_numbers_that_are_given_out_again_are_heard_again(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice:
        async with serving.chat(bob) as at_bob:
            for text in ("one", "two", "three"):
                await at_alice.send(bob, text)
            assert await next_texts(at_bob.messages(), 3) == ["one", "two", "three"]
            at_bob._opened._positions[alice] = 3
        forget(serving, alice, which="seq > 1", last_seq=1)

        async with serving.chat(bob) as at_bob:
            await until("Bob to know", lambda: at_bob._opened._positions[alice] == 1)
            assert (await at_alice.send(bob, "another two")).seq == 2

            assert await next_texts(at_bob.messages(), 1) == ["another two"]


async def test_whoever_listens_meanwhile_hears_them_too(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        events = at_bob.events()
        for text in ("one", "two"):
            await at_alice.send(bob, text)
        assert (await next_event(events, Message, text="two")).seq == 2
        serving.network.cut()
        await next_event(events, Offline)
        forget(serving, alice, which="seq > 1", last_seq=1)
        serving.network.restore()
        await until("Bob to know", lambda: at_bob._opened._logs.newest(alice) == 1)

        assert (await at_alice.send(bob, "another two")).seq == 2

        assert (await next_event(events, Message)).text == "another two"


async def test_what_is_no_longer_kept_is_not_waited_for(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(bob):
        pass
    fill(serving, alice, bob, 5)
    forget(serving, alice, which="seq <= 3", last_seq=5)

    async with serving.chat(bob) as at_bob:
        assert await next_texts(at_bob.messages(), 2) == ["text 4", "text 5"]


async def test_a_conversation_of_which_nothing_is_kept_goes_on(
    serving: Serving, alice: str, bob: str
) -> None:
    async with serving.chat(bob):
        pass
    fill(serving, alice, bob, 5)
    forget(serving, alice, which="seq <= 5", last_seq=5)

    async with serving.chat(alice) as at_alice, serving.chat(bob) as at_bob:
        assert (await at_alice.send(bob, "six")).seq == 6
        assert await next_texts(at_bob.messages(), 1) == ["six"]
