"""`./katydid migrate-to URL`: the installation's archive, from SQLite into an empty PostgreSQL.

All of it or nothing: the rows are committed only after each table has been read back and is the
same. The archive stays as it is; nobody can write to it meanwhile.
"""

import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.engines import problem_of, take_time
from chat.errors import KatydidError
from chat.settings import Settings, database_url_from, settings_from
from chat.shards import SILENT_AFTER_SECONDS, last_beats
from chat.times import now
from cli.home import held_home
from cli.terminal import say
from cli.transfer import TableSum, tables, transfer

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class CannotMigrate(KatydidError):
    """Something stands in the way; neither the archive nor the target's rows were changed."""


def migrate_to(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when all is there, and the same on both sides."""
    settings = settings_from(environ)
    target = Database(_target_url(arguments))
    source = Database(settings.database_url)
    _check_archive(source)
    began = time.monotonic()
    try:
        with held_home(settings), _held_archive(source) as archive:
            sums = _migrate(archive, target)
    finally:
        source.close()
        target.close()
    print(_report(sums, seconds=time.monotonic() - began))
    print(_what_next(settings, target), flush=True)
    return 0


# What is asked for.


def _target_url(arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise CannotMigrate(
            "migrate-to takes the URL of an empty PostgreSQL database, or - to read it from"
            " standard input."
        )
    [given] = arguments
    try:
        url = database_url_from(sys.stdin.readline().strip() if given == "-" else given)
    except ValueError as allowed:
        raise CannotMigrate(f"The URL to migrate to must be {allowed}.") from None
    if url.startswith("sqlite"):
        raise CannotMigrate("The archive is in SQLite already; migrate-to leads to PostgreSQL.")
    if given != "-" and Database(url).shown_url != url:
        say(
            "warning: while this runs, everybody on this machine can see the password among the"
            " processes; with - instead, the URL is read from standard input."
        )
    return url


def _check_archive(source: Database) -> None:
    if source.dialect != "sqlite":
        raise CannotMigrate(
            f"The archive is in {source.shown_url} already; migrate-to leads from SQLite there."
        )
    file = Path(source.url.removeprefix("sqlite:///"))
    if not file.is_file():
        raise CannotMigrate(f"There is no archive {file}.")


# The archive.


@contextmanager
def _held_archive(source: Database) -> Iterator[Connection]:
    """The archive at rest: nobody writes to it as long as this lasts."""
    try:
        if not source.is_migrated():
            problem = "has tables of another version; start ./katydid up once with this one"
            raise CannotMigrate(f"The archive {source.shown_url} {problem}.")
        _wait_until_no_bridge_serves_it(source)
        with source.transaction() as archive:
            archive.execute(text("SELECT 1"))  # with which the lock is taken
            yield archive
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise CannotMigrate(f"The archive {source.shown_url} fails: {problem_of(error)}.") from None


def _wait_until_no_bridge_serves_it(source: Database) -> None:
    """One that has just ended said shortly before that it is there; one that is says so again."""
    newest = first = _newest_beat(source)
    while now() - newest < timedelta(seconds=SILENT_AFTER_SECONDS):
        if newest != first:
            raise CannotMigrate(f"A bridge serves the archive {source.shown_url}; stop it first.")
        time.sleep(0.2)
        newest = _newest_beat(source)


def _newest_beat(source: Database) -> datetime:
    with source.reading() as session:
        return max((row.beat_at for row in last_beats(session).values()), default=_LONG_AGO)


# Its new place.


def _migrate(archive: Connection, target: Database) -> dict[str, TableSum]:
    try:
        target.migrate()
        with target.transaction() as connection:
            names = ", ".join(table.name for table in tables())
            connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
            take_time(connection)
            _check_is_empty(connection, target)
            return transfer(archive, connection)
    except (SQLAlchemyError, psycopg.Error) as error:
        raise CannotMigrate(
            f"The database {target.shown_url} fails: {problem_of(error)}."
        ) from None


def _check_is_empty(connection: Connection, target: Database) -> None:
    for table in tables():
        if connection.execute(select(table).limit(1)).first() is not None:
            raise CannotMigrate(
                f"The database {target.shown_url} is not empty: its table {table.name} has rows."
            )


# What is told.


def _report(sums: dict[str, TableSum], *, seconds: float) -> str:
    width = max(len(name) for name in sums)
    rows = sum(table.rows for table in sums.values())
    lines = [f"{name:{width}} {table.rows:>13,}  {table.checksum}" for name, table in sums.items()]
    return "\n".join(
        [
            f"{'table':{width}} {'rows':>13}  checksum, the same on both sides",
            *lines,
            f"{'all':{width}} {rows:>13,}  in {seconds:.1f} s",
        ]
    )


def _what_next(settings: Settings, target: Database) -> str:
    return "\n".join(
        [
            "",
            "From now on, start with the new place in the environment, with its password:",
            f"  KATYDID_DATABASE_URL='{target.shown_url}'",
            f"The old archive {settings.database_url} is as it was; keep it until you are sure.",
        ]
    )
