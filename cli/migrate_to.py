"""`./katydid migrate-to URL`: the installation's archive, from SQLite into an empty PostgreSQL.

All of it or nothing: the rows are committed only after each table has been read back and is the
same. The archive stays as it is; nobody can write to it meanwhile.
"""

import sqlite3
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.errors import KatydidError
from chat.settings import Settings, database_url_from, settings_from
from chat.shards import LEASE_SECONDS, workers_alive
from cli.archives import check_archive, emptied
from cli.home import held_home
from cli.migrate import DatabaseFails
from cli.terminal import say
from cli.transfer import TableSum, transfer


class CannotMigrate(KatydidError):
    """Something stands in the way; neither the archive nor the target's rows were changed."""


def migrate_to(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when all is there, and the same on both sides."""
    settings = settings_from(environ)
    target = Database(_target_url(arguments))
    source = Database(settings.database_url)
    _check_is_sqlite(source)
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


def _check_is_sqlite(source: Database) -> None:
    if source.dialect != "sqlite":
        raise CannotMigrate(
            f"The archive is in {source.shown_url} already; migrate-to leads from SQLite there."
        )


# The archive.


@contextmanager
def _held_archive(source: Database) -> Iterator[Connection]:
    """The archive at rest: nobody writes to it as long as this lasts."""
    try:
        check_archive(source)
        _wait_until_no_bridge_serves_it(source)
        with source.transaction() as archive:
            archive.execute(text("SELECT 1"))  # with which the lock is taken
            yield archive
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise DatabaseFails(source, error) from None


def _wait_until_no_bridge_serves_it(source: Database) -> None:
    """One that was killed just now counts as alive for a while; one that is alive stays so."""
    deadline = time.monotonic() + LEASE_SECONDS + 1
    while _bridges_alive(source):
        if time.monotonic() > deadline:
            raise CannotMigrate(f"A bridge serves the archive {source.shown_url}; stop it first.")
        time.sleep(0.2)


def _bridges_alive(source: Database) -> Collection[str]:
    with source.reading() as session:
        return workers_alive(session)


# Its new place.


def _migrate(archive: Connection, target: Database) -> dict[str, TableSum]:
    try:
        with emptied(target) as connection:
            return transfer(archive, connection)
    except (SQLAlchemyError, psycopg.Error) as error:
        raise DatabaseFails(target, error) from None


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
