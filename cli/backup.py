"""`./katydid backup FILE`: all of an installation that cannot be made again, while people chat.

It is read in one transaction that sees one state of the data and holds nobody up, so what the file
has is the archive as it was at one moment. Not in it are the index of texts, which is made anew,
and what the broker keeps for others.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database, newest_revision
from chat.engines import take_time
from chat.errors import KatydidError
from chat.secrets import FILES, load_secrets
from chat.settings import Settings, settings_from
from chat.times import now
from cli.archives import check_archive
from cli.backup_file import Sums, write_backup
from cli.migrate import DatabaseFails
from cli.terminal import say
from cli.transfer import rows_of

# Of the processor, those who chat get what they want first.
_POLITENESS = 10


class NoBackupMade(KatydidError):
    """Nothing was written, and nothing that was there is changed."""


def backup(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when all of it is on the disk."""
    if len(arguments) != 1 or (arguments[0].startswith("-") and arguments != ["-"]):
        raise NoBackupMade("Say where to: ./katydid backup FILE, or - for standard output.")
    settings = settings_from(environ)
    load_secrets(settings)  # which says so where one is missing
    database = Database(settings.database_url)
    os.nice(_POLITENESS)
    try:
        check_archive(database)
        with _opened(arguments[0]) as stream:
            sums = _write(settings, database, stream)
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()
    rows = sum(table.rows for table in sums.tables.values())
    where = "standard output" if arguments == ["-"] else arguments[0]
    say(f"{rows:,} rows of {len(sums.tables)} tables, and all secrets, are in {where}")
    return 0


def _write(settings: Settings, database: Database, stream: BinaryIO) -> Sums:
    secrets = {name: (settings.secrets_dir / name).read_text(encoding="ascii") for name in FILES}
    with database.reading() as session:
        connection = session.connection()
        if database.dialect == "postgresql":
            take_time(connection)
        return write_backup(
            stream,
            tables_version=newest_revision(),
            secrets=secrets,
            rows=lambda table: rows_of(connection, table),
            now=now(),
        )


@contextmanager
def _opened(where: str) -> Iterator[BinaryIO]:
    if where == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with _written_aside(Path(where)) as stream:
        yield stream


@contextmanager
def _written_aside(file: Path) -> Iterator[BinaryIO]:
    """For its owner alone, and in its place only when all of it is on the disk."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    _take_along_when_ended(draft)
    try:
        _check_is_free(file)
        opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _check_is_free(file)
        draft.rename(file)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise NoBackupMade(f"{file} cannot be written: {problem}.") from None
    finally:
        draft.unlink(missing_ok=True)


def _check_is_free(file: Path) -> None:
    if os.path.lexists(file):
        raise NoBackupMade(f"{file} is there already; a backup replaces nothing.")


def _take_along_when_ended(draft: Path) -> None:
    """Told to end, we take the draft along, and do not wait for what the database is asked."""

    def end(number: int, _frame: object) -> None:
        draft.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
