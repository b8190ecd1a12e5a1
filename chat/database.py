"""The way to SQL: one engine, sessions that read, sessions that write, and the migrations.

What differs between SQLite and PostgreSQL about connections is in `engines.py`. On SQLite a
writing session takes the write lock at its beginning (`BEGIN IMMEDIATE`): one that read first and
wrote later would fail at once, without waiting, when another had written in between. On PostgreSQL
others write meanwhile: who reads something in order to change it must lock its row first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlmodel import Session

from chat import engines, search_file
from chat.errors import TablesFromLater, WrongEncoding
from chat.writer import Writer

if TYPE_CHECKING:
    from alembic.config import Config

# The word of Katydid's migrations among PostgreSQL's advisory locks: "katydid" in ASCII.
_MIGRATION_LOCK = int.from_bytes(b"katydid")


class Database:
    """The installation's SQL database. Cheap to make; connects when first used."""

    def __init__(self, url: str) -> None:
        self.url = url
        parsed = make_url(url)
        # "sqlite" or "postgresql", for the few statements that differ.
        self.dialect = parsed.get_backend_name()
        # The same without the password, for people and logs.
        self.shown_url = parsed.render_as_string(hide_password=True) if parsed.password else url
        if self.dialect == "sqlite":
            self._engine = engines.sqlite_engine(parsed)
            self._search_engine = engines.sqlite_search_engine(parsed)
        else:
            self._engine = self._search_engine = engines.postgresql_engine(parsed)
        self._reading_engine = engines.reading(self._engine)
        self._searching_engine = engines.reading(self._search_engine)
        self._writing_engine = self._engine.execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the data and changes nothing."""
        with Session(self._reading_engine) as session:
            yield session
            session.expunge_all()  # whatever became of the objects, nothing is written
            # What psycopg has prepared, it forgets at a rollback.
            session.commit()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back when an exception leaves it."""
        with Session(self._writing_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def searching(self) -> Iterator[Session]:
        """As `reading`, with the index of texts; on SQLite, its state may be a moment later."""
        with Session(self._searching_engine) as session:
            # Rolled back, so that each question is planned for the words that it asks for.
            yield session

    @contextmanager
    def indexing(self, *, durable: bool = True) -> Iterator[Session]:
        """As `writing`, for the index of texts alone: on SQLite, the rest can only be read. What is
        not `durable` may be gone there, as a whole, when the machine loses its power; and it waits
        for nobody: OperationalError says that another writes (`engines.is_locked`)."""
        engine = self._search_engine.execution_options(writes=True, durable=durable)
        with Session(engine) as session, session.begin():
            yield session

    def writer(self) -> Writer:
        """As `writing`, for the bridge's batches: a connection of its own that stays open."""
        return Writer(self._engine)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As `writing`, for statements that need no session."""
        with self._writing_engine.begin() as connection:
            yield connection

    def check(self) -> None:
        """Answers when the database answers; raises SQLAlchemyError otherwise."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM account WHERE id = 0"))

    def migrate(self) -> None:
        """Bring the tables up to this version of the code. A second call changes nothing, and a
        second program waits for the first one.

        Raises TablesFromLater, WrongEncoding and SQLAlchemyError.
        """
        # Imported here, since it takes half a second and only `up` migrates.
        from alembic import command
        from alembic.util import CommandError

        config = _alembic_config()
        with self._writing_engine.begin() as connection:
            if self.dialect == "postgresql":
                engines.take_time(connection)
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                _check_encoding(connection)
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise TablesFromLater(str(error)) from None
        self._make_index()

    def _make_index(self) -> None:
        """On SQLite, whoever connects does; what is no index any more is taken away before."""
        try:
            self._search_engine.connect().close()
        except DatabaseError as error:
            if self.dialect != "sqlite" or isinstance(error, OperationalError):
                raise  # the server is gone, the disk is full
            search_file.remove(str(self._engine.url.database))
            self._search_engine.connect().close()

    def is_migrated(self) -> bool:
        """Whether the tables are those of this version of the code."""
        from alembic.migration import MigrationContext

        with self._reading_engine.connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
        return revision == newest_revision()

    def close(self) -> None:
        """Give all connections back."""
        # In this order: on SQLite, the last one to go tidies up the archive, if it may write to it.
        self._search_engine.dispose()
        self._engine.dispose()


def newest_revision() -> str:
    """What the tables of this version of the code are called."""
    from alembic.script import ScriptDirectory

    newest = ScriptDirectory.from_config(_alembic_config()).get_current_head()
    assert newest is not None
    return newest


def _alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _check_encoding(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise WrongEncoding(encoding)
