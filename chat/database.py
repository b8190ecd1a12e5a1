"""The way to SQL: one engine, sessions that read, sessions that write, and the migrations.

Everything that differs between SQLite and PostgreSQL about connections is here. On SQLite a
writing session takes the write lock at its beginning (`BEGIN IMMEDIATE`): one that read first and
wrote later would fail at once, without waiting, when another had written in between.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import Engine
from sqlmodel import Session

from chat.errors import TablesFromLater

_BUSY_TIMEOUT_MS = 5_000


class Database:
    """The installation's SQL database. Cheap to make; connects when first used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = (
            _sqlite_engine(url)
            if url.startswith("sqlite")
            else create_engine(url, pool_pre_ping=True, hide_parameters=True)
        )
        self._writing_engine = self._engine.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the data and changes nothing."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back when an exception leaves it."""
        with Session(self._writing_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As `writing`, for the bridge's set-based statements, which need no session."""
        with self._writing_engine.begin() as connection:
            yield connection

    def check(self) -> None:
        """Answers when the database answers; raises SQLAlchemyError otherwise."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM account WHERE id = 0"))

    def migrate(self) -> None:
        """Bring the tables up to this version of the code. A second call changes nothing.

        Raises TablesFromLater, and SQLAlchemyError.
        """
        # Imported here, since it takes half a second and only `up` migrates.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self._writing_engine.begin() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise TablesFromLater(str(error)) from None

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def _sqlite_engine(url: str) -> Engine:
    # Parameters stay out of error messages: they hold what people write.
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: SqliteConnection, _record: Any) -> None:
    # We begin transactions ourselves; the driver's own guess begins them too late.
    connection.isolation_level = None
    # WAL: readers and the writer do not wait for each other. FULL: what is committed is on the
    # disk, since it is acknowledged to the sender right after.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
