"""Databases for tests, SQLite and PostgreSQL alike, as the migrations leave them.

Making one takes its time. So a file is a copy of one that was made before, and one of PostgreSQL is
given back, emptied, and given out again. The server is a private one, as `cli/cluster/postgres.py`
makes it; each process of the test run starts its own when a test first asks for it.
"""

import atexit
from functools import cache
from itertools import count
from pathlib import Path
from shutil import copyfile, rmtree
from tempfile import mkdtemp

import psycopg
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from chat import models  # noqa: F401  the tables enter SQLModel.metadata
from chat.database import Database
from cli.cluster.postgres import PostgresServer, reachable_folder
from cli.free_ports import free_ports

DIALECTS = ("sqlite", "postgresql")

_numbers = count(1)
_with_tables: set[str] = set()
_given_back: list[str] = []


def migrated(dialect: str, folder: Path) -> str:
    """The URL of a database of one's own with the tables; that of SQLite is in the folder."""
    if dialect == "sqlite":
        copyfile(_file_with_tables(), folder / "katydid.db")
        return f"sqlite:///{folder}/katydid.db"
    if _given_back:
        return _given_back.pop()
    url = empty(dialect, folder)
    _migrate(url)
    _with_tables.add(url)
    return url


def empty(dialect: str, folder: Path, options: str = "") -> str:
    """The URL of a database of one's own with nothing in it; options are PostgreSQL's."""
    name = f"katydid_{next(_numbers)}"
    if dialect == "sqlite":
        return f"sqlite:///{folder}/{name}.db"
    _on_server(f"CREATE DATABASE {name} {options}")
    return server().url(name)


def give_back(url: str) -> None:
    """It is not used any more; a file goes with its folder."""
    if url.startswith("sqlite"):
        return
    name = url.rpartition("/")[2]
    # Our own alone: an autovacuum may be at work there too, which is not ours to end.
    left = f"FROM pg_stat_activity WHERE datname = '{name}' AND usename = current_user"
    _on_server(f"SELECT pg_terminate_backend(pid) {left}")
    if url in _with_tables and _is_as_new(url):
        _given_back.append(url)
    else:
        _on_server(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def server() -> PostgresServer:
    """This process's server, running."""
    folder = reachable_folder(_folder(mode=0o711) / "postgres")
    server = PostgresServer(folder, *free_ports(1))
    server.start()
    atexit.register(rmtree, folder, ignore_errors=True)
    atexit.register(server.stop)
    return server


def _is_as_new(url: str) -> bool:
    """Whether it could be made so; not where a test has changed the tables themselves."""
    database = Database(url)
    try:
        with database.transaction() as connection:
            _make_anew(connection)
    except DBAPIError:
        return False
    finally:
        database.close()
    return True


def _make_anew(connection: Connection) -> None:
    """A fifth of what TRUNCATE takes, for the few rows of a test."""
    for table in reversed(SQLModel.metadata.sorted_tables):
        connection.execute(table.delete())
    for table, rows in _rows_of_the_migrations().items():
        connection.execute(table.insert(), rows)
    for sequence in connection.execute(text("SELECT sequencename FROM pg_sequences")).scalars():
        connection.execute(text(f"ALTER SEQUENCE {sequence} RESTART"))


@cache
def _rows_of_the_migrations() -> dict[Table, list[dict[str, object]]]:
    """What is in a database from the first."""
    database = Database(f"sqlite:///{_file_with_tables()}")
    with database.searching() as session:
        found = {
            table: [dict(row) for row in session.connection().execute(table.select()).mappings()]
            for table in SQLModel.metadata.sorted_tables
        }
    database.close()
    return {table: rows for table, rows in found.items() if rows}


@cache
def _file_with_tables() -> Path:
    url = empty("sqlite", _folder())
    _migrate(url)
    return Path(url.removeprefix("sqlite:///"))


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


def _on_server(statement: str) -> None:
    url = server().url("postgres").replace("+psycopg", "", 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _folder(mode: int = 0o700) -> Path:
    folder = Path(mkdtemp(prefix="katydid-"))
    folder.chmod(mode)
    atexit.register(rmtree, folder, ignore_errors=True)
    return folder
