"""The bridge's way to SQL: one connection of the driver, kept, and one transaction after the other.

A batch runs a dozen statements. Through SQLAlchemy each costs some 20 µs of CPU more, and on
PostgreSQL a round trip. Here PostgreSQL is used in its pipeline mode: a statement goes out at once,
and is waited for when its rows are read. So whoever asks several things before reading the first
answer waits for one round trip, and what is only written waits for none but the commit.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from psycopg import Error, OperationalError
from psycopg.pq import TransactionStatus
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

Row = Sequence[Any]


class Connection(ABC):
    """One of a driver, in which one transaction follows the other. SQLAlchemy has set it up."""

    def __init__(self, engine: Engine) -> None:
        self.dialect = engine.dialect.name
        self._engine = engine
        self._pooled = engine.raw_connection()
        self._driver: Any = self._pooled.driver_connection

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction."""

    def select(self, statement: str, parameters: Sequence[Any]) -> Iterable[Row]:
        """The rows, to be read once, within the transaction."""
        rows: Iterable[Row] = self._driver.execute(statement, parameters)
        return rows

    def write(self, statement: str, parameters: Sequence[Any]) -> None:
        """Run a statement without rows. What is wrong with it may come out at the commit."""
        self._driver.execute(statement, parameters)

    def write_each(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """The same, once for each row."""
        self._driver.executemany(statement, rows)

    def commit(self) -> None:
        """When it returns, all is on the disk."""
        self._driver.commit()

    def is_lost(self, error: Any) -> bool:
        """Whether that error of the driver means that the database has gone away."""
        return self._engine.dialect.is_disconnect(error, self._driver, None)

    def close(self) -> None:
        """End it, in whatever state it is; what was not committed is rolled back."""
        self._pooled.invalidate()


class _Sqlite(Connection):
    def begin(self) -> None:
        self._driver.execute("BEGIN IMMEDIATE")

    def select(self, statement: str, parameters: Sequence[Any]) -> Iterable[Row]:
        # All at once: what is written meanwhile must not change what is read.
        return list(super().select(statement, parameters))


class _PostgreSQL(Connection):
    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._pipeline = ExitStack()
        self._pipeline.enter_context(self._driver.pipeline())

    def begin(self) -> None:
        """The driver does, with the first statement."""

    def commit(self) -> None:
        super().commit()
        # What is acknowledged next must be on the disk: the pipeline is at its end, and said so.
        if self._driver.info.transaction_status != TransactionStatus.IDLE:
            raise OperationalError("The server did not confirm the commit.")

    def close(self) -> None:
        with suppress(Error):  # most often it is closed since it is broken
            self._pipeline.close()
        super().close()


class Writer:
    """Writes in one thread. Connects when first used, and anew after whatever went wrong."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Committed at the end, rolled back when an exception leaves it. Raises SQLAlchemyError."""
        try:
            connection = self._connected()
            connection.begin()
            yield connection
            connection.commit()
        except BaseException as error:
            refused = self._refused(error)
            self.close()  # which rolls back
            if refused is not None:
                raise refused from error
            raise

    def close(self) -> None:
        """End the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection:
        if self._connection is None:
            kind = _Sqlite if self._engine.dialect.name == "sqlite" else _PostgreSQL
            self._connection = kind(self._engine)
        return self._connection

    def _refused(self, error: BaseException) -> BaseException | None:
        """The driver's errors as SQLAlchemy has them, which are alike for both databases."""
        dialect = self._engine.dialect
        if not isinstance(error, dialect.loaded_dbapi.Error):
            return None
        is_lost = self._connection is not None and self._connection.is_lost(error)
        return DBAPIError.instance(
            None,
            None,
            error,
            dialect.loaded_dbapi.Error,
            connection_invalidated=is_lost,
            dialect=dialect,
        )
