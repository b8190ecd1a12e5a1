"""`./katydid restore FILE`: an installation as it was when the backup was made, where nothing is.

The whole file is looked through before anything is changed. Then its rows go into the database in
one transaction, are read back and compared, the secrets are put in their place, and only then is it
all committed; so who is interrupted begins again.
"""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from chat import search_file
from chat.database import Database, newest_revision
from chat.errors import KatydidError
from chat.secrets import make_secret
from chat.settings import Settings, settings_from
from cli.archives import emptied, file_of
from cli.backup_file import Content, look_through, read_backup
from cli.home import held_home
from cli.migrate import DatabaseFails
from cli.terminal import say
from cli.transfer import confirm, write_rows


class NothingRestored(KatydidError):
    """Something stands in the way, or there is nothing to put back."""


class OtherTablesInBackup(KatydidError):
    """The backup was made by a version of the code with other tables."""

    def __init__(self, file: Path, tables: str) -> None:
        super().__init__(
            f"The backup {file} has tables of version {tables}, and this code those of"
            f" {newest_revision()}; restore it with the code that made it, then update."
        )


def restore(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when all is there, and the same as in the file."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        raise NothingRestored("Say what to put back: ./katydid restore FILE.")
    os.umask(0o077)
    settings = settings_from(environ)
    file = Path(arguments[0])
    with file.open("rb") as opened:
        content = look_through(opened)
        if content.manifest.tables != newest_revision():
            raise OtherTablesInBackup(file, content.manifest.tables)
        with held_home(settings):
            _check_home(settings, content.secrets)
            _put_back(settings, opened, content)
    rows = sum(table.rows for table in content.sums.tables.values())
    say(f"{rows:,} rows and all secrets are as they were at {content.manifest.made_at}")
    return 0


def _check_home(settings: Settings, secrets: Mapping[str, str]) -> None:
    """No other installation is there. The same secrets are left by who was interrupted."""
    for path in settings.secrets_dir.glob("*"):
        if path.read_text(encoding="utf-8", errors="replace") != secrets.get(path.name):
            raise _in_the_way(path)
    for path in settings.broker_dir.iterdir():
        raise _in_the_way(path)


def _in_the_way(path: Path) -> NothingRestored:
    return NothingRestored(
        f"{path} is there already; a backup is put back into an empty KATYDID_HOME alone."
    )


def _put_back(settings: Settings, opened: BinaryIO, content: Content) -> None:
    database = Database(settings.database_url)
    try:
        with emptied(database) as connection:
            read_backup(opened, lambda table, rows: write_rows(connection, table, rows))
            confirm(connection, content.sums.tables)
            _put_secrets(settings, content.secrets)
    except (SQLAlchemyError, sqlite3.Error, psycopg.Error) as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()
    if (archive := file_of(database)) is not None:
        search_file.remove(str(archive))  # one that was there is that of another archive


def _put_secrets(settings: Settings, secrets: Mapping[str, str]) -> None:
    settings.secrets_dir.mkdir(mode=0o700, exist_ok=True)
    for name, secret in secrets.items():
        make_secret(settings.secrets_dir / name, secret)
