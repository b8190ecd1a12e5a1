"""What is older than it is to be kept is gone everywhere; what is newer stays as it was."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlmodel import col, select, update

from chat.accounts import account_named
from chat.chores import is_due, put_off, take_turn
from chat.conversations import ConversationSummary, conversations_of, direct_key
from chat.database import Database
from chat.export import export
from chat.indexing import index_messages
from chat.messages import history
from chat.models import (
    Account,
    Chore,
    Conversation,
    Member,
    Message,
    RefusedCopy,
    SearchProgress,
    SearchText,
)
from chat.retention import forget_old_messages, kept_days
from chat.search import search
from chat.times import now

pytestmark = pytest.mark.both_databases

NOW = now()


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def write(database: Database, one: str, other: str, *ages: float) -> int:
    """Texts of so many days, from the one; the conversation's id."""
    with database.writing() as session:
        first, second = (account_named(session, name) for name in (one, other))
        assert first is not None
        assert second is not None
        assert first.id is not None
        assert second.id is not None
        conversation = Conversation(key=direct_key(first.id, second.id), last_seq=len(ages))
        session.add(conversation)
        session.flush()
        assert conversation.id is not None
        session.add_all(
            Member(conversation_id=conversation.id, account_id=id) for id in (first.id, second.id)
        )
        session.flush()
        session.execute(
            insert(Message),
            [
                {
                    "conversation_id": conversation.id,
                    "seq": seq,
                    "sender_id": first.id,
                    "client_id": f"m{seq}",
                    "kind": "text",
                    "body": f"cricket {seq}",
                    "stored_at": days_ago(age),
                }
                for seq, age in enumerate(ages, start=1)
            ],
        )
        return conversation.id


def forget(
    database: Database,
    keep_days: int | None = 7,
    rest: Callable[[float], None] = lambda _seconds: None,
) -> int:
    return forget_old_messages(database, keep_days=keep_days, now=NOW, rest=rest)


def seqs(database: Database, conversation: int) -> list[int]:
    with database.reading() as session:
        of_conversation = select(Message.seq).where(Message.conversation_id == conversation)
        return list(session.exec(of_conversation.order_by(col(Message.seq))))


def searched(database: Database) -> list[int]:
    with database.searching() as session:
        return sorted(session.exec(select(SearchText.seq)))


def account(database: Database, name: str) -> Account:
    with database.reading() as session:
        found = account_named(session, name)
    assert found is not None
    return found


def found(database: Database, name: str, query: str) -> list[int]:
    with database.searching() as session:
        hits = search(session, account=account(database, name), query=query)
        return [each.seq for each in hits.messages]


def line(database: Database, name: str) -> ConversationSummary:
    with database.reading() as session:
        [line] = conversations_of(session, account(database, name))
        return line


def test_what_is_older_is_gone_from_history_search_and_export(people: Database) -> None:
    conversation = write(people, "alice", "bob", 9, 8, 7.01, 6.99, 1, 0)
    index_messages(people)

    assert forget(people) == 3

    assert seqs(people, conversation) == [4, 5, 6]
    assert searched(people) == [4, 5, 6]
    assert found(people, "alice", "cricket") == [6, 5, 4]
    with people.reading() as session:
        page = history(session, account=account(people, "bob"), peer="alice", limit=3)
        older = history(session, account=account(people, "bob"), peer="alice", before=4)
        after = history(session, account=account(people, "bob"), peer="alice", after=0)
    assert [message.seq for message in page.messages] == [4, 5, 6]
    assert (page.more, older.messages, older.more) == (False, [], False)
    assert after == page
    exported = b"".join(export(people, account(people, "alice"), NOW)["messages.jsonl"])
    assert [f'"seq":{seq},'.encode() in exported for seq in range(1, 7)] == 3 * [False] + 3 * [True]
    assert line(people, "bob").last_seq == 6
    assert forget(people) == 0


def test_what_is_to_be_kept_for_ever_is(people: Database) -> None:
    conversation = write(people, "alice", "bob", 9_999, 1)

    assert forget(people, None) == 0

    assert seqs(people, conversation) == [1, 2]


def test_a_conversation_of_which_nothing_is_left_is_still_there(people: Database) -> None:
    conversation = write(people, "alice", "bob", 9, 8)
    index_messages(people)

    assert forget(people) == 2

    shown = line(people, "bob")
    assert (shown.last_message, shown.last_seq, shown.unread) == (None, 2, 0)
    assert (seqs(people, conversation), searched(people)) == ([], [])
    assert found(people, "bob", "cricket") == []


def test_its_list_has_those_with_the_newest_text_first_all_the_same(people: Database) -> None:
    write(people, "alice", "bob", 9)
    write(people, "alice", "carol", 1)

    forget(people)

    with people.reading() as session:
        lines = conversations_of(session, account(people, "alice"))
    assert [line.peer for line in lines] == ["carol", "bob"]


def test_more_than_one_step_takes_is_gone_and_others_have_their_turn(people: Database) -> None:
    long = write(people, "alice", "bob", *(1_000 * [9] + [1]))
    short = write(people, "bob", "carol", 9, 1)
    turns: list[float] = []

    assert forget(people, rest=turns.append) == 1_001

    assert (seqs(people, long), seqs(people, short)) == ([1_001], [2])
    assert len(turns) == 5
    assert min(turns) > 0


def test_what_was_not_indexed_yet_does_not_hold_up_the_index(people: Database) -> None:
    """More conversations than one batch looks at, of which nothing is left."""
    write(people, "alice", "bob", 9)
    with people.writing() as session:
        session.execute(insert(Conversation), [{"key": f"x{n}", "last_seq": 5} for n in range(300)])
    forget(people)

    index_messages(people)
    index_messages(people)
    kept = write(people, "alice", "carol", 1)
    index_messages(people)

    with people.searching() as session:
        assert session.get(SearchProgress, kept) is not None
    assert found(people, "alice", "cricket") == [1]


def test_what_was_done_to_a_text_that_is_gone_says_nothing(people: Database) -> None:
    conversation = write(people, "alice", "bob", 9, 1)
    alice = account(people, "alice")
    with people.writing() as session:
        for seq, kind, body in ((3, "edit", "a locust"), (4, "reaction", "🦗")):
            session.add(
                Message(
                    conversation_id=conversation,
                    seq=seq,
                    sender_id=alice.id or 0,
                    client_id=f"m{seq}",
                    kind=kind,
                    body=body,
                    target_seq=1,
                    stored_at=NOW,
                )
            )
        session.exec(update(Conversation).values(last_seq=4))

    forget(people)
    index_messages(people)

    assert found(people, "alice", "locust") == []
    with people.reading() as session:
        page = history(session, account=alice, peer="bob")
    assert [(each.seq, each.kind) for each in page.messages] == [
        (2, "text"),
        (3, "edit"),
        (4, "reaction"),
    ]
    shown = line(people, "bob").last_message
    assert shown is not None
    assert (shown.seq, shown.edited_at, shown.reactions) == (2, None, None)


def test_who_goes_on_after_a_kill_takes_the_rest_out_of_the_index(people: Database) -> None:
    conversation = write(people, "alice", "bob", 9, 8, 1)
    index_messages(people)
    with people.writing() as session:
        session.connection().execute(text("DELETE FROM message WHERE seq < 3"))
    assert searched(people) == [1, 2, 3]

    assert forget(people) == 0

    assert (searched(people), seqs(people, conversation)) == ([3], [3])


def test_notes_about_messages_go_with_them(people: Database) -> None:
    conversation = write(people, "alice", "bob", 9, 1)
    bob = account(people, "bob")
    with people.writing() as session:
        for seq in (1, 2):
            session.add(
                RefusedCopy(
                    conversation_id=conversation,
                    seq=seq,
                    account_id=bob.id or 0,
                    reason=0x83,
                    refused_at=NOW,
                )
            )

    forget(people)

    with people.reading() as session:
        assert list(session.exec(select(RefusedCopy.seq))) == [2]


@pytest.mark.parametrize(
    ("installation", "alices", "bobs", "left"),
    [
        (None, None, None, [1, 2, 3, 4]),
        (None, 8, None, [2, 3, 4]),
        (None, None, 3, [3, 4]),
        (None, 8, 3, [3, 4]),
        (5, 8, None, [3, 4]),
        (5, 1, 8, [4]),
    ],
)
def test_the_shortest_time_that_is_wanted_holds(
    people: Database,
    installation: int | None,
    alices: int | None,
    bobs: int | None,
    left: list[int],
) -> None:
    conversation = write(people, "alice", "bob", 9, 6, 2, 0)
    others = write(people, "bob", "carol", 9)
    with people.writing() as session:
        for name, days in (("alice", alices), ("bob", bobs)):
            own = session.get_one(Member, (conversation, account(people, name).id))
            own.keep_days = days
            session.add(own)

    forget(people, installation)

    assert seqs(people, conversation) == left
    assert seqs(people, others) == ([] if installation else [1])
    assert kept_days(installation, alices, bobs) == min(
        filter(None, (installation, alices, bobs)), default=None
    )


def test_one_at_a_time_has_its_turn(people: Database) -> None:
    def take(name: str) -> bool:
        with people.reading() as session:
            due = is_due(session, name)
        with people.writing() as session:
            taken = take_turn(session, name, seconds=60)
        assert due is taken
        return taken

    assert (take("this"), take("this"), take("that")) == (True, False, True)

    with people.writing() as session:
        put_off(session, "this", seconds=-1)
    assert (take("this"), take("this"), take("that")) == (True, False, False)
    with people.reading() as session:
        assert sorted(session.exec(select(Chore.name))) == ["that", "this"]
