"""A whole archive, before it is copied, moved or put back: whether it is there, whether its tables
are those of this version of the code, and whether anybody has used it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, false, inspect, literal, not_, select, text
from sqlmodel import col

from chat.database import Database
from chat.engines import take_time
from chat.errors import KatydidError
from chat.models import Shard
from cli.transfer import tables

# Rows that every new database has, as long as nobody has used it.
_MADE_WITH_TABLES = {"shard": col(Shard.number) == 0}


class NoArchive(KatydidError):
    """There is no file where the archive should be."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"There is no archive {file}.")


class OtherTables(KatydidError):
    """The archive was left by another version of the code."""

    def __init__(self, archive: Database) -> None:
        super().__init__(
            f"The archive {archive.shown_url} has tables of another version; start ./katydid up"
            " once with this one."
        )


class NotEmpty(KatydidError):
    """Somebody has used the database."""

    def __init__(self, database: Database, table: str) -> None:
        super().__init__(
            f"The database {database.shown_url} is not empty: its table {table} has rows."
        )


def check_archive(archive: Database) -> None:
    """Raises NoArchive, OtherTables and SQLAlchemyError; makes nothing that was not there."""
    file = file_of(archive)
    if file is not None and not file.is_file():
        raise NoArchive(file)
    if not archive.is_migrated():
        raise OtherTables(archive)


def file_of(archive: Database) -> Path | None:
    """The file of SQLite; None with another database."""
    if archive.dialect != "sqlite":
        return None
    return Path(archive.url.removeprefix("sqlite:///"))


@contextmanager
def emptied(database: Database) -> Iterator[Connection]:
    """A transaction in which the database has all its tables, none of them with a row, and nobody
    else writes to it. Raises NotEmpty where anybody has used it, and then has changed nothing;
    TablesFromLater and SQLAlchemyError."""
    with database.transaction() as connection:
        _check_empty(connection, database)
    database.migrate()
    with database.transaction() as connection:
        if database.dialect == "postgresql":
            names = ", ".join(table.name for table in tables())
            connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
            take_time(connection)
        else:
            # A thing may come before its owner.
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        _check_empty(connection, database)
        for table in tables():
            connection.execute(table.delete())
        yield connection


def _check_empty(connection: Connection, database: Database) -> None:
    """Of the tables that are there, which may be those of an earlier version."""
    there = inspect(connection).get_table_names()
    for table in tables():
        if table.name not in there:
            continue
        is_used = not_(_MADE_WITH_TABLES.get(table.name, false()))
        if connection.execute(
            select(literal(1)).select_from(table).where(is_used).limit(1)
        ).first():
            raise NotEmpty(database, table.name)
