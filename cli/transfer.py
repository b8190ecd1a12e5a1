"""All rows of one database into another, and the proof that they arrived.

Rows go from SQLite to PostgreSQL in the order of their primary key, by COPY. The checksum of a
table is the SHA-256 of its rows in that order, each as a JSON array of its columns in the order of
`chat/models.py`, UTF-8, one a line; texts sort by their bytes. It is computed from what was read on
the one side, and from what is read back on the other.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
import psycopg
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


@dataclass(frozen=True)
class TableSum:
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
    """PostgreSQL refuses a row of the archive."""

    def __init__(self, table: str, problem: str) -> None:
        super().__init__(f"PostgreSQL does not take a row of the table {table}: {problem}.")
        self.table = table


def tables() -> list[Table]:
    """All tables, each after those that its foreign keys point to; without the index of texts,
    which the site makes anew from the messages."""
    made_anew = ("search_text", "search_progress")
    return [table for table in SQLModel.metadata.sorted_tables if table.name not in made_anew]


def transfer(source: Connection, target: Connection) -> dict[str, TableSum]:
    """Copy all tables into the same ones, which are empty, and compare; commits nothing.

    `source` is on SQLite and `target` on PostgreSQL. Raises RowsDiffer and RowsNotTaken.
    """
    sent = {table.name: _copy(source, target, table) for table in tables()}
    for table in tables():
        _continue_numbering(target, table)
        arrived = sum_of(target, table)
        if arrived != sent[table.name]:
            raise RowsDiffer(table.name, sent[table.name], arrived)
    return sent


def sum_of(connection: Connection, table: Table) -> TableSum:
    """What the table holds, as the transaction sees it."""
    summed = _Summed(_rows(connection, table))
    for _ in summed:
        pass
    return summed.result()


def _copy(source: Connection, target: Connection, table: Table) -> TableSum:
    summed = _Summed(_rows(source, table))
    columns = ", ".join(_quoted(column) for column in table.columns)
    rows = iter(summed)
    with _cursor(target) as cursor:
        while batch := list(islice(rows, _ROWS_PER_COPY)):
            try:
                with cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN".encode()) as copy:
                    for row in batch:
                        copy.write_row(row)
            except psycopg.DatabaseError as error:
                raise RowsNotTaken(table.name, str(error).partition("\n")[0]) from None
            if summed.rows % _SAY_EVERY_ROWS == 0:
                say(f"copied {summed.rows:,} rows of {table.name}")
    return summed.result()


class _Summed:
    """The rows as they are, counted and summed up on their way."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self._digest = hashlib.sha256()
        self.rows = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self._digest.update(_encode(row) + b"\n")
            self.rows += 1
            yield row

    def result(self) -> TableSum:
        return TableSum(self.rows, self._digest.hexdigest())


def _rows(connection: Connection, table: Table) -> Iterator[Row]:
    """All rows as the driver has them, by primary key."""
    columns = ", ".join(_quoted(column) for column in table.columns)
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
    """The next number given out is one that was not yet."""
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
