"""All rows of a database on their way into another one or into a file, and the proof that they
arrived.

Rows go in the order of their primary key; into PostgreSQL by COPY. The checksum of a table is the
SHA-256 of its rows in that order, each as a JSON array of its columns in the order of
`chat/models.py`, UTF-8, one a line; texts sort by their bytes. It is computed from what was read on
the one side, and from what is read back on the other.
"""

import hashlib
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
import psycopg
from msgspec import Struct
from sqlalchemy import Boolean, Column, Connection, Integer, Table
from sqlmodel import SQLModel

from chat import models  # noqa: F401  the tables enter SQLModel.metadata
from chat.errors import KatydidError
from cli.terminal import say

# Each COPY checks its rows' foreign keys at its end, and remembers them until then.
_ROWS_PER_COPY = 50_000
_SAY_EVERY_ROWS = 1_000_000

_encode = msgspec.json.Encoder().encode
Row = tuple[Any, ...]


class TableSum(Struct, frozen=True):
    """What a table holds, in two numbers."""

    rows: int
    checksum: str


class RowsDiffer(KatydidError):
    """What arrived is not what was sent."""

    def __init__(self, table: str, sent: TableSum, arrived: TableSum) -> None:
        super().__init__(
            f"The table {table} arrived with {arrived.rows:,} rows and the checksum"
            f" {arrived.checksum[:16]}…, but was sent with {sent.rows:,} and {sent.checksum[:16]}…;"
            " nothing of it was kept there."
        )
        self.table = table


class RowsNotTaken(KatydidError):
    """The database refuses a row of the archive."""

    def __init__(self, database: str, table: str, problem: str) -> None:
        super().__init__(f"{database} does not take a row of the table {table}: {problem}.")
        self.table = table


def tables() -> list[Table]:
    """All tables, each after those that its foreign keys point to; without the index of texts,
    which the site makes anew from the messages."""
    made_anew = ("search_text", "search_progress")
    return [table for table in SQLModel.metadata.sorted_tables if table.name not in made_anew]


def transfer(source: Connection, target: Connection) -> dict[str, TableSum]:
    """Copy all tables into the same ones, which are empty, and compare; commits nothing.

    Raises RowsDiffer and RowsNotTaken.
    """
    sent = {}
    for table in tables():
        rows = Summed(rows_of(source, table))
        write_rows(target, table, rows)
        sent[table.name] = rows.result()
    confirm(target, sent)
    return sent


def confirm(target: Connection, sent: Mapping[str, TableSum]) -> None:
    """All tables hold what was sent, and the next number given out in each is one that was not yet.
    Raises RowsDiffer."""
    for table in tables():
        if target.dialect.name == "postgresql":
            _continue_numbering(target, table)
        arrived = sum_of(target, table)
        if arrived != sent[table.name]:
            raise RowsDiffer(table.name, sent[table.name], arrived)


def sum_of(connection: Connection, table: Table) -> TableSum:
    """What the table holds, as the transaction sees it."""
    summed = Summed(rows_of(connection, table))
    for _ in summed:
        pass
    return summed.result()


def write_rows(target: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Add rows as `rows_of` has them. Raises RowsNotTaken."""
    if target.dialect.name == "sqlite":
        _insert(target, table, rows)
        return
    waiting, written = iter(rows), 0
    while batch := list(islice(waiting, _ROWS_PER_COPY)):
        _copy(target, table, batch)
        written += len(batch)
        if written % _SAY_EVERY_ROWS == 0:
            say(f"copied {written:,} rows of {table.name}")


def _copy(target: Connection, table: Table, rows: Iterable[Row]) -> None:
    statement = f"COPY {table.name} ({_columns(table)}) FROM STDIN"
    try:
        with _cursor(target) as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
    except psycopg.DatabaseError as error:
        problem = str(error).partition("\n")[0]
        raise RowsNotTaken("PostgreSQL", table.name, problem) from None


def _insert(target: Connection, table: Table, rows: Iterable[Row]) -> None:
    raw = target.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    values = ", ".join("?" for _ in table.columns)
    try:
        raw.executemany(
            f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({values})",  # noqa: S608
            rows,
        )
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError) as error:
        raise RowsNotTaken("SQLite", table.name, str(error)) from None


class Summed:
    """The rows as they are, counted and summed up on their way."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self._digest = hashlib.sha256()
        self._count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self._digest.update(as_line(row))
            self._count += 1
            yield row

    def result(self) -> TableSum:
        """Of those that were taken so far."""
        return TableSum(self._count, self._digest.hexdigest())


def as_line(row: Row) -> bytes:
    """A row as it is summed up."""
    return _encode(row) + b"\n"


def rows_of(connection: Connection, table: Table) -> Generator[Row, None, None]:
    """All rows as the driver has them, by primary key; what is true or false is 1 or 0."""
    columns = _columns(table)
    raw = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        order = ", ".join(_quoted(column) for column in table.primary_key)
        yield from raw.execute(f"SELECT {columns} FROM {table.name} ORDER BY {order}")  # noqa: S608
        return
    columns = ", ".join(_as_number(column) for column in table.columns)
    order = ", ".join(_bytewise(column) for column in table.primary_key)
    query = f"COPY (SELECT {columns} FROM {table.name} ORDER BY {order}) TO STDOUT"  # noqa: S608
    with _cursor(connection) as cursor, cursor.copy(query.encode()) as copy:
        copy.set_types(["int8" if _is_number(column) else "text" for column in table.columns])
        yield from copy.rows()


def _continue_numbering(target: Connection, table: Table) -> None:
    numbered = table.autoincrement_column
    if numbered is not None:
        target.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{numbered.name}'),"  # noqa: S608
            f" coalesce(max({numbered.name}), 1), count(*) > 0) FROM {table.name}"
        )


def _cursor(connection: Connection) -> "psycopg.Cursor[Row]":
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    return raw.cursor()


def _columns(table: Table) -> str:
    return ", ".join(_quoted(column) for column in table.columns)


def _bytewise(column: Column[Any]) -> str:
    return _quoted(column) + ("" if _is_number(column) else ' COLLATE "C"')


def _as_number(column: Column[Any]) -> str:
    """What is true or false is 1 or 0, as in SQLite."""
    is_boolean = isinstance(column.type, Boolean)
    return f"CAST({_quoted(column)} AS INTEGER)" if is_boolean else _quoted(column)


def _is_number(column: Column[Any]) -> bool:
    return isinstance(getattr(column.type, "impl_instance", column.type), Integer | Boolean)


def _quoted(column: Column[Any]) -> str:
    return f'"{column.name}"'
