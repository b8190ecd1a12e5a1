"""The tables: migrations and models agree, and writers wait for each other."""

from pathlib import Path
from threading import Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel, select

from chat.database import Database
from chat.models import Account
from chat.times import now


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.reading() as session:
        context = MigrationContext.configure(session.connection())

        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    database.migrate()

    database.check()


def test_what_is_committed_is_on_the_disk(database: Database) -> None:
    with database.reading() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def add_account(database: Database, name: str) -> None:
    with database.writing() as session:
        assert session.exec(select(Account).where(Account.name == name)).first() is None
        session.add(Account(name=name, display_name=name, password_hash="x", created_at=now()))


def test_writers_of_two_programs_wait_for_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/katydid.db"
    Database(url).migrate()
    failures: list[Exception] = []

    def write(program: int) -> None:
        database = Database(url)
        try:
            for number in range(50):
                add_account(database, f"account-{program}-{number}")
        except Exception as error:
            failures.append(error)
        finally:
            database.close()

    programs = [Thread(target=write, args=(program,)) for program in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(timeout=60)

    assert failures == []
    with Database(url).reading() as session:
        assert len(session.exec(select(Account)).all()) == 200


def test_what_people_write_stays_out_of_error_messages(database: Database) -> None:
    with database.reading() as session:
        connection = session.connection()
        with pytest.raises(OperationalError) as wrong:
            connection.exec_driver_sql("SELECT nothing WHERE ? = 1", ("a secret text",))

    assert "a secret text" not in str(wrong.value)
