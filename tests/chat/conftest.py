"""A real SQLite database with the tables and three accounts, for the rules of the domain."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest

from chat.accounts import register
from chat.database import Database
from chat.times import now

PASSWORD = "correct horse battery"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/katydid.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture(scope="session")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: three passwords take argon2 a while."""
    file = tmp_path_factory.mktemp("people") / "katydid.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    for name in ("alice", "bob", "carol"):
        register(database, name=name, password=PASSWORD, display_name=None, now=now())
    database.close()
    return file


@pytest.fixture
def people(tmp_path: Path, people_file: Path) -> Iterator[Database]:
    """A database of its own with Alice, Bob and Carol registered."""
    copyfile(people_file, tmp_path / "people.db")
    database = Database(f"sqlite:///{tmp_path}/people.db")
    yield database
    database.close()
