"""On SQLite, the index of texts is a file of its own beside the archive: `katydid-search.db`.

A file has one writer. In the archive's own, each message would wait for whoever indexes, 20 ms and
more at a time. Here a connection writes to the index and only reads the archive, which is attached
to it; so its lock is the index's alone. The file is made when it is first opened, and made anew
where it is of another version: all of it comes from the messages.
"""

from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import quote

from sqlalchemy import URL
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from chat.models import SearchProgress, SearchText

# Of the tables below and of what stands in them (`folding.py`): raise it to have all made anew.
_VERSION = 1
# Four times as much as SQLite lets its log grow by itself: each time, the disk is waited for.
_PAGES_OF_LOG = 4_000
_TABLES = (SearchText.__table__, SearchProgress.__table__)  # type: ignore[attr-defined]
# FTS5 keeps nothing but the runs: neither the text (which is in `search_text`), nor places within
# it, nor its length. Triggers keep it true.
_RUNS = (
    """
    CREATE VIRTUAL TABLE search_run USING fts5(
        folded, content='search_text', content_rowid='id',
        tokenize='trigram case_sensitive 1', detail=none, columnsize=0)
    """,
    """
    CREATE TRIGGER search_text_added AFTER INSERT ON search_text BEGIN
        INSERT INTO search_run (rowid, folded) VALUES (new.id, new.folded);
    END
    """,
    """
    CREATE TRIGGER search_text_removed AFTER DELETE ON search_text BEGIN
        INSERT INTO search_run (search_run, rowid, folded)
        VALUES ('delete', old.id, old.folded);
    END
    """,
)


def search_file_of(archive: str | Path) -> Path:
    """The file of the index, beside that of the archive."""
    file = Path(archive)
    return file.with_name(f"{file.stem}-search{file.suffix}")


def url_of(archive: str) -> URL:
    """Of the index of that archive, for the driver, which is to understand what `attach` says."""
    file = quote(str(search_file_of(archive).absolute()))
    return URL.create("sqlite", database=f"file://{file}", query={"uri": "true"})


def remove(archive: str) -> None:
    """Take the index away, while nobody uses it."""
    file = search_file_of(archive)
    for ending in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)


def attach(connection: Connection, archive: str) -> None:
    """Have the tables of the archive be there as well, to be read. Raises sqlite3.Error."""
    _make_tables(connection)
    connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES_OF_LOG}")
    file = quote(str(Path(archive).absolute()))
    connection.execute("ATTACH DATABASE ? AS archive", (f"file://{file}?mode=ro",))


def statements() -> Iterator[str]:
    """What makes the tables of the index on SQLite."""
    for table in _TABLES:
        made: list[DDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
        yield from (str(element.compile(dialect=sqlite.dialect())) for element in made)
    yield from _RUNS


def _make_tables(connection: Connection) -> None:
    if _version_of(connection) == _VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    if _version_of(connection) != _VERSION:  # nobody has made them while we waited
        for table in ("search_run", *(table.name for table in _TABLES)):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={_VERSION}")
    connection.execute("COMMIT")


def _version_of(connection: Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
