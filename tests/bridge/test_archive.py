"""The archive by itself: what becomes of a batch that is stored once more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from bridge.archive import Archive
from bridge.intake import command_from
from chat.database import Database
from chat.models import Account, Message
from chat.payloads import MessageRecord
from chat.times import now
from chat.topics import up
from tests import databases

pytestmark = pytest.mark.both_databases


@pytest.fixture
def database(tmp_path: Path, dialect: str) -> Iterator[Database]:
    """Alice and Bob, who have not written to each other."""
    database = Database(databases.migrated(dialect, tmp_path))
    with database.writing() as session:
        for name in ("alice", "bob"):
            account = Account(name=name, display_name=name, password_hash="!", created_at=now())
            session.add(account)
    yield database
    database.close()
    databases.give_back(database.url)


@pytest.fixture
def archive(database: Database) -> Iterator[Archive]:
    archive = Archive(database)
    yield archive
    archive.close()


@pytest.mark.parametrize(
    "payload", [b"a bare text", b'{"text": "no id"}', b'{"text": "an id", "id": "1"}']
)
def test_a_batch_whose_commit_was_not_heard_of_is_stored_once_however_often_it_is_tried(
    database: Database, archive: Archive, payload: bytes
) -> None:
    batch = [command_from(up("alice", "bob", "send"), payload)]
    [first] = archive.store(batch, now(), [])
    [again] = archive.store(batch, now(), [])
    assert first is not None
    assert again is not None
    assert first.record == again.record
    assert (first.stored, again.stored) == (True, False)
    with database.reading() as session:
        assert len(session.exec(select(Message)).all()) == 1


def test_what_was_unsent_is_not_repeated_in_the_same_batch_either(archive: Archive) -> None:
    said = [
        ("send", b'{"id": "text", "text": "good"}'),
        ("edit", b'{"id": "edit", "seq": 1, "text": "better"}'),
    ]
    written = [*said, ("unsend", b'{"id": "unsend", "seq": 1}'), *said]
    batch = [command_from(up("alice", "bob", verb), payload) for verb, payload in written]

    told = [news.record for news in archive.store(batch, now(), []) if news is not None]

    texts = [(each.seq, each.text) for each in told if isinstance(each, MessageRecord)]
    assert texts == [(1, "good"), (2, "better"), (3, ""), (1, ""), (2, "")]
