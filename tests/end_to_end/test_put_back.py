"""The page at an archive that has something else than it knows: what it shows is read anew."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.end_to_end.person import Person
from tests.end_to_end.running_up import Up

# Of the conversation of two accounts.
ITS_ID = """
    (SELECT one.conversation_id FROM member AS one
     JOIN member AS other ON other.conversation_id = one.conversation_id
     JOIN account AS first ON first.id = one.account_id AND first.name = :first
     JOIN account AS second ON second.id = other.account_id AND second.name = :second)
"""

FORGET_WHAT_WAS_SEEN = """async () => {
  const seen = (await indexedDB.databases()).filter(({ name }) => name.startsWith('katydid seen'));
  for (const { name } of seen) indexedDB.deleteDatabase(name);
}"""


def change(katydid: Up, one: Person, other: Person, *statements: str) -> None:
    with katydid._database.writing() as session:
        for statement in statements:
            session.connection().execute(
                text(statement.replace("ITS_ID", ITS_ID)),
                {"first": one.account, "second": other.account},
            )


def put_back(katydid: Up, one: Person, other: Person, *, last_seq: int) -> None:
    """The archive is as it was when that was the newest message."""
    change(
        katydid,
        one,
        other,
        f"DELETE FROM message WHERE conversation_id = ITS_ID AND seq > {last_seq}",
        f"UPDATE conversation SET last_seq = {last_seq} WHERE id = ITS_ID",
        f"UPDATE member SET read_seq = {last_seq}, delivered_seq = {last_seq}"
        " WHERE conversation_id = ITS_ID",
    )


def say(katydid: Up, one: Person, other: Person, *, first_seq: int, count: int) -> None:
    """What one wrote to the other while the other was away."""
    for seq in range(first_seq, first_seq + count):
        change(
            katydid,
            one,
            other,
            "INSERT INTO message"
            " (conversation_id, seq, sender_id, client_id, kind, body, stored_at)"
            f" SELECT ITS_ID, {seq}, id, 'again-{seq}', 'text', 'Another {seq}', 1"
            " FROM account WHERE name = :first",
            f"UPDATE conversation SET last_seq = {seq} WHERE id = ITS_ID",
        )


@pytest.mark.parametrize("meanwhile", [0, 2, 5])
def test_numbers_that_are_given_out_again_are_shown_as_the_archive_has_them(
    katydid: Up, alice: Person, bob: Person, meanwhile: int
) -> None:
    """Also where the archive has outgrown by now what the page knows."""
    alice.talk_to(bob).write("One", "Two", "Three")
    bob.open(alice).sees("One", "Two", "Three")
    alice.sees_state("Three", "read")
    alice.page.close()
    with bob.offline():
        put_back(katydid, alice, bob, last_seq=1)
        say(katydid, alice, bob, first_seq=2, count=meanwhile)

    again = [f"Another {seq}" for seq in range(2, 2 + meanwhile)]
    bob.sees("One", *again)
    bob.write("And on")
    bob.sees("One", *again, "And on")
    bob.sees_state("And on", "archived")
    bob.page.reload()
    bob.sees("One", *again, "And on")


def test_a_conversation_of_which_nothing_is_kept_goes_on(
    katydid: Up, alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("One", "Two")
    bob.open(alice).sees("One", "Two")
    alice.sees_state("Two", "read")
    change(katydid, alice, bob, "DELETE FROM message WHERE conversation_id = ITS_ID")
    for person in (alice, bob):
        person.page.evaluate(FORGET_WHAT_WAS_SEEN)
        person.page.reload()
        person.wait_until_online()
        expect(person.messages).to_have_count(0)

    alice.write("Three")

    alice.sees("Three")
    bob.sees("Three")
    alice.sees_state("Three", "read")


def test_a_page_that_knows_the_beginning_goes_on_where_it_is_no_longer_kept(
    katydid: Up, alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("One", "Two")
    bob.open(alice).sees("One", "Two")
    alice.sees_state("Two", "read")
    alice.page.close()
    with bob.offline():
        say(katydid, alice, bob, first_seq=3, count=4)
        change(
            katydid, alice, bob, "DELETE FROM message WHERE conversation_id = ITS_ID AND seq < 5"
        )

    bob.sees("Another 5", "Another 6")
