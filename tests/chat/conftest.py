"""Real databases with the tables and three accounts, for the rules of the domain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.accounts import register
from chat.database import Database
from chat.models import Account
from chat.times import now
from tests import databases

PASSWORD = "correct horse battery"


@pytest.fixture
def database(tmp_path: Path, dialect: str) -> Iterator[Database]:
    """The tables without a row."""
    database = Database(databases.migrated(dialect, tmp_path))
    yield database
    database.close()
    databases.give_back(database.url)


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> list[Account]:
    """Alice, Bob and Carol. Made once: three passwords take argon2 a while."""
    database = Database(databases.migrated("sqlite", tmp_path_factory.mktemp("people")))
    names = ("alice", "bob", "carol")
    accounts = [
        register(database, name=name, password=PASSWORD, display_name=None, now=now())
        for name in names
    ]
    database.close()
    return accounts


@pytest.fixture
def people(database: Database, registered: list[Account]) -> Database:
    """A database of its own with Alice, Bob and Carol registered."""
    with database.writing() as session:
        session.add_all(Account(**account.model_dump(exclude={"id"})) for account in registered)
    return database
