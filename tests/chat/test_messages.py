"""History: pages by cursor, and what they cost in a conversation of 100,000 messages."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, insert
from sqlmodel import select

from chat.accounts import account_named
from chat.conversations import conversations_of, direct_key
from chat.database import Database
from chat.errors import UnknownAccount, WrongCursor
from chat.messages import Page, history
from chat.models import Account, Conversation, Member, Message

pytestmark = pytest.mark.both_databases

STORED_AT = datetime(2026, 11, 23, 20, 37, 15, 123_456, tzinfo=UTC)


def converse(database: Database, count: int) -> None:
    """Alice and Bob have written `count` messages, in turn; Alice began."""
    with database.writing() as session:
        ids = [account.id for account in session.exec(select(Account).order_by(Account.name))]
        alice, bob = ids[:2]
        assert alice is not None
        assert bob is not None
        conversation = Conversation(key=direct_key(alice, bob), last_seq=count)
        session.add(conversation)
        session.flush()
        session.add_all(
            Member(conversation_id=conversation.id, account_id=account) for account in (alice, bob)
        )
        session.flush()
        session.execute(
            insert(Message),
            [
                {
                    "conversation_id": conversation.id,
                    "seq": seq,
                    "sender_id": alice if seq % 2 else bob,
                    "client_id": f"m{seq}",
                    "kind": "text",
                    "body": f"message {seq}",
                    "stored_at": STORED_AT,
                }
                for seq in range(1, count + 1)
            ],
        )


def page(database: Database, reader: str = "alice", peer: str = "bob", **cursor: int) -> Page:
    with database.reading() as session:
        account = account_named(session, reader)
        assert account is not None
        return history(session, account=account, peer=peer, **cursor)


@pytest.mark.parametrize(
    ("cursor", "seqs", "more"),
    [
        ({}, range(71, 121), True),
        ({"limit": 3}, range(118, 121), True),
        ({"limit": 120}, range(1, 121), False),
        ({"before": 121, "limit": 2}, range(119, 121), True),
        ({"before": 51, "limit": 50}, range(1, 51), False),
        ({"before": 3}, range(1, 3), False),
        ({"before": 1}, [], False),
        ({"before": 0}, [], False),
        ({"before": 9_000, "limit": 1}, [120], True),
        ({"after": 0, "limit": 2}, range(1, 3), True),
        ({"after": 118}, range(119, 121), False),
        ({"after": 120}, [], False),
        ({"after": 2**53 - 1}, [], False),
    ],
)
def test_a_page_is_found_by_its_cursor(
    people: Database, cursor: dict[str, int], seqs: range, more: bool
) -> None:
    converse(people, 120)

    found = page(people, **cursor)

    assert [message.seq for message in found.messages] == list(seqs)
    assert found.more is more


def test_both_members_see_the_same_records(people: Database) -> None:
    converse(people, 2)

    assert page(people, "alice", "bob") == page(people, "bob", "alice")
    first = page(people).messages[0]
    assert (first.sender, first.to, first.text) == ("alice", "bob", "message 1")
    assert first.stored_at == "2026-11-23T20:37:15.123Z"


def test_nobody_reads_a_conversation_of_others(people: Database) -> None:
    converse(people, 2)

    assert page(people, "carol", "bob") == Page([], more=False)
    assert page(people, "carol", "alice") == Page([], more=False)


@pytest.mark.parametrize(
    "cursor",
    [
        {"before": -1},
        {"after": -1},
        {"before": 2**53},
        {"limit": 0},
        {"limit": 201},
        {"before": 1, "after": 1},
    ],
)
def test_a_cursor_out_of_range_is_refused(people: Database, cursor: dict[str, int]) -> None:
    with pytest.raises(WrongCursor):
        page(people, **cursor)


def test_history_with_nobody_is_refused(people: Database) -> None:
    with pytest.raises(UnknownAccount):
        page(people, peer="zed")


def test_the_middle_of_100_000_messages_costs_what_the_newest_page_does(people: Database) -> None:
    converse(people, 100_000)
    statements: list[tuple[str, object]] = []
    event.listen(
        people._engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, parameters, _ctx, _many: statements.append(
            (statement, parameters)
        ),
    )

    plans, changes = {}, set()
    for place, cursor in {
        "newest": {},
        "middle": {"before": 50_000},
        "on": {"after": 50_000},
    }.items():
        statements.clear()
        assert len(page(people, **cursor).messages) == 50
        *_, of_page, of_changes = statements
        plans[place] = plan_of(people, *of_page)
        changes.add(plan_of(people, *of_changes))

    assert plans["newest"] == plans["middle"]
    walked = {
        "sqlite": "SEARCH message USING PRIMARY KEY (conversation_id=? AND seq",
        "postgresql": "using message_pkey on message / Index Cond: ((conversation_id = ",
    }
    sorted_or_counted = ("SCAN message", "TEMP B-TREE", "Seq Scan", "Bitmap", "Sort")
    for plan in plans.values():
        assert walked[people.dialect] in plan
        assert not [words for words in sorted_or_counted if words in plan]
    [changed] = changes
    assert_each_change_is_one_step(people, changed)


def assert_each_change_is_one_step(database: Database, plan: str) -> None:
    """From one text, kind and member to the next, by the index."""
    step = {
        "sqlite": "INDEX ix_message_change (conversation_id=? AND target_seq>? AND"
        " (target_seq,kind,sender_id,seq)<(?,?,?,?))",
        "postgresql": "Index Only Scan Backward using ix_message_change",
    }
    assert step[database.dialect] in plan, plan
    assert "Seq Scan on message" not in plan, plan


def plan_of(database: Database, statement: str, parameters: object) -> str:
    """How the database finds the rows; on PostgreSQL without the numbers of its guess."""
    with database.reading() as session:
        ask = session.connection().exec_driver_sql
        if database.dialect == "sqlite":
            rows = ask(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return " / ".join(row.detail for row in rows)
        rows = ask(f"EXPLAIN (COSTS OFF) {statement}", parameters)
        plan = " / ".join(row[0].strip() for row in rows)
        return re.sub(r"'\d+'::\w+|(?<=[<>] )\d+", "?", plan)


def test_the_list_of_conversations_says_what_is_new(people: Database) -> None:
    converse(people, 5)

    with people.reading() as session:
        bob = account_named(session, "bob")
        carol = account_named(session, "carol")
        assert bob is not None
        assert carol is not None
        [summary] = conversations_of(session, bob)
        assert conversations_of(session, carol) == []

    assert (summary.peer, summary.last_seq, summary.unread) == ("alice", 5, 3)
    assert summary.last_message is not None
    assert summary.last_message.text == "message 5"
    assert summary.last_message.sender == "alice"
    assert (summary.online, summary.last_seen_at) == (False, None)


def test_the_list_costs_one_statement_and_one_more_where_a_newest_text_was_changed(
    people: Database,
) -> None:
    converse(people, 5)
    asked: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    with people.reading() as session:
        alice = account_named(session, "alice")
        assert alice is not None
        event.listen(people._engine, "before_cursor_execute", note)
        conversations_of(session, alice)
        as_it_was = len(asked)
    react(people, to=5, times=1)
    with people.reading() as session:
        asked.clear()
        [line] = conversations_of(session, alice)
        after_a_change = [each for each in asked if each[0] not in ("BEGIN", "BEGIN IMMEDIATE")]

    assert (as_it_was, len(after_a_change)) == (1, 2)
    assert line.last_message is not None
    assert line.last_message.reactions == {"bob": "1"}
    if people.dialect == "sqlite":  # PostgreSQL reads so small a table as a whole
        assert_each_change_is_one_step(people, plan_of(people, *after_a_change[1]))


def test_a_reaction_that_was_changed_20_000_times_is_found_in_as_many_steps_as_one_of_once(
    people: Database,
) -> None:
    converse(people, 60)
    react(people, to=30, times=20_000)
    react(people, to=31, times=1)
    asked: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    event.listen(people._engine, "before_cursor_execute", note)
    oldest = page(people, after=0)
    *_, of_changes = asked

    reactions = {each.seq: each.reactions for each in oldest.messages if each.reactions}
    assert reactions == {30: {"bob": "20000"}, 31: {"bob": "1"}}
    assert_each_change_is_one_step(people, plan_of(people, *of_changes))


def react(database: Database, *, to: int, times: int) -> None:
    """Bob has beside that text the number of each time, one after the other."""
    with database.writing() as session:
        [conversation] = session.exec(select(Conversation))
        bob = account_named(session, "bob")
        assert bob is not None
        first = conversation.last_seq + 1
        session.execute(
            insert(Message),
            [
                {
                    "conversation_id": conversation.id,
                    "seq": first + number,
                    "sender_id": bob.id,
                    "client_id": f"r{first + number}",
                    "kind": "reaction",
                    "body": str(number + 1),
                    "stored_at": STORED_AT,
                    "target_seq": to,
                }
                for number in range(times)
            ],
        )
        conversation.last_seq += times
        session.add(conversation)
    if database.dialect == "postgresql":
        # As autovacuum does after a while; a table that was never looked at is guessed to be small.
        with database._engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE message")
            connection.commit()
