"""How each of the two databases is connected to: all that differs between them about connections.

|               | SQLite                               | PostgreSQL                               |
|---------------|--------------------------------------|------------------------------------------|
| writing       | one at a time (`BEGIN IMMEDIATE`)    | at once, locks by row (READ COMMITTED)   |
| reading       | the state at the first statement     | the same (REPEATABLE READ, read only)    |
| a lock        | is waited for 5 s                    | is waited for 5 s                        |
| who is frozen | holds its lock until it goes on      | within a transaction, is cut off at 3 s  |
| text          | any, however long                    | no NUL, and not longer than its column   |

The statements that differ stand where they are used; they ask `Database.dialect`.
"""

import re
import time
from sqlite3 import Connection as SqliteConnection
from sqlite3 import OperationalError as SqliteError
from typing import Any

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from chat import search_file

_LOCK_WAIT_MS = 5_000
# Less than the wait for a lock: whoever waits behind a program that was frozen gets its turn.
_IDLE_IN_TRANSACTION_MS = 3_000
# Nothing that site or bridge ask takes this long; what does is given up, not waited for.
_STATEMENT_MS = 15_000
# A server that vanished without a word is noticed within so long, connected or about to be.
_SILENCE_SECONDS = 5
# A bridge has four threads that ask, a worker of the site eight and its health checks.
_CONNECTIONS = 5
_MORE_CONNECTIONS = 15
# What each session on PostgreSQL begins with, whatever the server's own defaults are.
_SESSION = {
    # What is committed is on the disk, since it is acknowledged to the sender right after.
    "synchronous_commit": "on",
    "lock_timeout": _LOCK_WAIT_MS,
    "statement_timeout": _STATEMENT_MS,
    "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
    "timezone": "UTC",
}
# How libpq begins a sentence about a connection; the URL says the same beside it.
_WHERE = re.compile(r"^connection failed: (connection to server (at|on) .* failed: )?(FATAL: +)?")


def sqlite_engine(url: URL) -> Engine:
    """Connections to a file."""
    # Parameters stay out of error messages: they hold what people write.
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": _LOCK_WAIT_MS / 1000}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def sqlite_search_engine(url: URL) -> Engine:
    """Connections to the index of texts of that archive, which is there to be read."""
    archive = str(url.database)
    engine = sqlite_engine(search_file.url_of(archive))
    event.listen(engine, "connect", lambda driver, _: search_file.attach(driver, archive))
    return engine


def postgresql_engine(url: URL) -> Engine:
    """Connections to a server, which may be restarted at any time. What the URL says after its
    question mark goes before what we say."""
    options = [*(f"-c {name}={value}" for name, value in _SESSION.items())]
    if asked := url.query.get("options"):
        options += [asked] if isinstance(asked, str) else asked
    ours = {
        "application_name": "katydid",
        "client_encoding": "utf8",
        "connect_timeout": _SILENCE_SECONDS,
        "keepalives_idle": _SILENCE_SECONDS,
        "keepalives_interval": 1,
        "keepalives_count": _SILENCE_SECONDS,
        "tcp_user_timeout": _SILENCE_SECONDS * 1000,
    }
    given = {name: value for name, value in ours.items() if name not in url.query}
    return create_engine(
        url,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        # One round trip each time: a server that was restarted costs a new connection, no error.
        pool_pre_ping=True,
        pool_size=_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        pool_timeout=_LOCK_WAIT_MS / 1000,
        connect_args={**given, "options": " ".join(options)},
    )


def reading(engine: Engine) -> Engine:
    """The same connections, for transactions that see one state of the data and change nothing."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def take_time(connection: Connection) -> None:
    """Let this transaction on PostgreSQL work, and wait for locks, for as long as it has to."""
    for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def is_locked(error: OperationalError) -> bool:
    """Whether another writes to that SQLite file just now."""
    return isinstance(error.orig, SqliteError) and "locked" in str(error.orig)


def problem_of(error: Exception) -> str:
    """What the database says is wrong: one line, without statement, values and password."""
    said = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return _WHERE.sub("", said.splitlines()[0]).rstrip(".")


def _prepare_sqlite(connection: SqliteConnection, _record: Any) -> None:
    # We begin transactions ourselves; the driver's own guess begins them too late.
    connection.isolation_level = None
    _enter_wal(connection)
    # FULL: what is committed is on the disk, since it is acknowledged to the sender right after.
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_LOCK_WAIT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _enter_wal(connection: SqliteConnection) -> None:
    """WAL: readers and the writer do not wait for each other. A new file is turned to it once, and
    of two programs that do so at once, SQLite lets the second one fail without waiting."""
    deadline = time.monotonic() + _LOCK_WAIT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except SqliteError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if "durable" in options:  # of the index, which may be behind: `Database.indexing`
        level, wait_ms = ("FULL", _LOCK_WAIT_MS) if options["durable"] else ("NORMAL", 0)
        connection.exec_driver_sql(f"PRAGMA main.synchronous={level}")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={wait_ms}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", False) else "BEGIN")
