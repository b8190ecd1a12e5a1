"""The tables: migrations and models agree, and writers wait for each other."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import SchemaItem
from sqlmodel import SQLModel, select

from chat.database import Database
from chat.models import Account
from chat.settings import REPOSITORY
from chat.times import now
from tests import databases

pytestmark = pytest.mark.both_databases


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    of_index = {"search_text", "search_progress"}
    everything = set(SQLModel.metadata.tables)
    is_sqlite = database.dialect == "sqlite"  # which has the index in a file of its own

    with database.reading() as session:
        archive = everything - of_index if is_sqlite else everything
        assert _differences(session.connection(), archive) == []
    with database.searching() as session:
        assert _differences(session.connection(), of_index) == []


def _differences(connection: Connection, tables: set[str]) -> list[object]:
    """Between those tables and the models; what finds texts, each database has in its own way."""

    def is_compared(each: SchemaItem, name: str | None, kind: str, *_: object) -> bool:
        table = name if kind == "table" else getattr(each, "table", None)
        return str(getattr(table, "name", table)) in tables and name != "ix_search_text_folded"

    context = MigrationContext.configure(connection, opts={"include_object": is_compared})
    return list(compare_metadata(context, SQLModel.metadata))


def test_migrating_twice_changes_nothing(database: Database) -> None:
    database.migrate()

    database.check()


def test_what_is_committed_is_on_the_disk(database: Database) -> None:
    answers = {
        "sqlite": {
            "PRAGMA synchronous": 2,  # FULL
            "PRAGMA journal_mode": "wal",
            "PRAGMA foreign_keys": 1,
        },
        "postgresql": {
            "SHOW synchronous_commit": "on",
            "SHOW fsync": "on",
            "SHOW full_page_writes": "on",
        },
    }

    with database.writing() as session:
        for question, answer in answers[database.dialect].items():
            assert session.connection().exec_driver_sql(question).scalar_one() == answer


def add_account(database: Database, name: str) -> None:
    with database.writing() as session:
        assert session.exec(select(Account).where(Account.name == name)).first() is None
        session.add(Account(name=name, display_name=name, password_hash="x", created_at=now()))


def test_writers_of_two_programs_wait_for_each_other(database: Database) -> None:
    failures: list[Exception] = []

    def write(program: int) -> None:
        own = Database(database.url)
        try:
            for number in range(50):
                add_account(own, f"account-{program}-{number}")
        except Exception as error:
            failures.append(error)
        finally:
            own.close()

    programs = [Thread(target=write, args=(program,)) for program in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(timeout=60)

    assert failures == []
    with database.reading() as session:
        assert len(session.exec(select(Account)).all()) == 200


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    accounts = select(func.count()).select_from(Account)

    with database.reading() as session:
        before = session.exec(accounts).one()
        add_account(database, "alice")
        meanwhile = session.exec(accounts).one()
    with database.reading() as session:
        after = session.exec(accounts).one()

    assert (before, meanwhile, after) == (0, 0, 1)


def test_programs_that_start_at_once_migrate_one_after_the_other(
    dialect: str, tmp_path: Path
) -> None:
    url = databases.empty(dialect, tmp_path)
    program = "import sys; from chat.database import Database; Database(sys.argv[1]).migrate()"
    command = [sys.executable, "-c", program, url]

    starters = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(2)]

    assert [starter.wait(timeout=60) for starter in starters] == [0, 0]
    Database(url).check()


def test_what_people_write_stays_out_of_error_messages(database: Database) -> None:
    statement = text("SELECT nothing WHERE :said = 'x'")

    with database.reading() as session, pytest.raises(DBAPIError) as wrong:
        session.connection().execute(statement, {"said": "a secret text"})

    assert "nothing" in str(wrong.value)
    assert "a secret text" not in str(wrong.value)
