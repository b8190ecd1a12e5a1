"""The index of texts beside the archive: nobody who archives waits for it, and it can be lost."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import col, delete, select, update

from chat.accounts import account_named
from chat.database import Database
from chat.deletions import begin_deletion, erase_messages
from chat.indexing import forget_what_is_ahead, index_messages
from chat.models import Account, Conversation, Message, SearchText
from chat.search import search
from chat.search_file import search_file_of
from chat.times import now
from tests.people import add_accounts, add_conversation

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@pytest.fixture
def alice(database: Database) -> Account:
    """She has said three things to Bob."""
    alice, bob = add_accounts(database, "alice", "bob")
    add_conversation(database, alice, bob, "the first cricket", "the second", "a third cricket")
    return alice


def found(database: Database, account: Account, query: str) -> list[int]:
    with database.searching() as session:
        return [each.seq for each in search(session, account=account, query=query).messages]


def indexed(database: Database) -> list[int]:
    with database.searching() as session:
        return list(session.exec(select(SearchText.seq).order_by(SearchText.seq)))


def archive_file(database: Database) -> Path:
    return Path(database.url.removeprefix("sqlite:///"))


@on_sqlite
def test_the_archive_is_written_to_while_the_index_is(database: Database, alice: Account) -> None:
    other = Database(database.url)
    with database.indexing() as session:
        session.connection().execute(text("INSERT INTO search_progress VALUES (9, 1)"))

        with other.writing() as archiving:
            archiving.exec(update(Message).values(body="a fourth cricket"))

        with pytest.raises(OperationalError, match="readonly"):
            session.exec(update(Message).values(body="nothing"))
    other.close()


@on_sqlite
@pytest.mark.parametrize(
    "harm",
    [
        Path.unlink,
        lambda file: file.write_bytes(b""),
        lambda file: _run(file, "PRAGMA user_version=0"),
        lambda file: _run(file, "PRAGMA user_version=99"),
    ],
    ids=["deleted", "emptied", "of an earlier version", "of a later version"],
)
def test_an_index_that_is_not_there_is_made_anew(
    database: Database, alice: Account, harm: Callable[[Path], None]
) -> None:
    index_messages(database)
    database.close()

    harm(search_file_of(archive_file(database)))

    assert found(database, alice, "cricket") == [3, 1]
    assert indexed(database) == []
    assert index_messages(database) == 3
    assert found(database, alice, "cricket") == [3, 1]
    assert indexed(database) == [1, 2, 3]


@on_sqlite
def test_a_file_that_is_no_index_is_made_anew_with_the_tables(
    database: Database, alice: Account
) -> None:
    database.close()
    search_file_of(archive_file(database)).write_bytes(b"no index of anything " * 1000)

    database.migrate()

    assert index_messages(database) == 3
    assert found(database, alice, "cricket") == [3, 1]


@on_sqlite
def test_what_an_index_has_ahead_of_an_archive_put_back_is_forgotten(
    database: Database, alice: Account
) -> None:
    index_messages(database)
    with database.writing() as session:
        session.exec(delete(Message).where(col(Message.seq) > 1))
        session.exec(update(Conversation).values(last_seq=1))

    forget_what_is_ahead(database)

    assert indexed(database) == []
    assert index_messages(database) == 1
    assert indexed(database) == [1]


@pytest.mark.both_databases
def test_others_have_their_turn_while_many_texts_are_indexed(
    database: Database, alice: Account
) -> None:
    with database.reading() as session:
        bob = account_named(session, "bob")
    assert bob is not None
    with database.writing() as session:
        session.exec(update(Conversation).values(key="another", last_seq=3))
    add_conversation(database, alice, bob, *(f"cricket {number}" for number in range(100)))
    turns = []

    assert index_messages(database, rest=lambda: turns.append(len(turns))) == 103

    assert len(turns) >= 5


@pytest.mark.both_databases
def test_what_is_not_ahead_stays(database: Database, alice: Account) -> None:
    index_messages(database, most=2)

    forget_what_is_ahead(database)

    assert indexed(database) == [1, 2]


@pytest.mark.both_databases
def test_texts_that_were_erased_are_forgotten_by_who_goes_on_with_it(
    database: Database, alice: Account
) -> None:
    index_messages(database)
    with database.writing() as session:
        begin_deletion(session, alice, erases_messages=True, login_id=None, now=now())
        session.exec(update(Message).values(body=""))  # and there, the process was killed
    assert indexed(database) == [1, 2, 3]

    erase_messages(database, alice)

    assert indexed(database) == []


def _run(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
