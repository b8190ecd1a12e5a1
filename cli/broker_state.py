"""The file in which mosquitto keeps sessions and what waits in them: which of two it is, and how
it is made fit for a start.

With the plugin persist-sqlite it is `mosquitto.sqlite3`, written as messages come; else it is
`mosquitto.db`, written every `autosave_interval`. A broker knows its own alone.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from cli.kept_sessions import StateUnreadable
from cli.mosquitto import BrokerNotReady, persist_sqlite_plugin

SNAPSHOT, SQLITE = "mosquitto.db", "mosquitto.sqlite3"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY_CODE = 0xFF


def state_of(folder: Path) -> Path:
    """The file that this machine's mosquitto goes by."""
    return folder / (SNAPSHOT if persist_sqlite_plugin() is None else SQLITE)


def other_state_of(folder: Path) -> Path:
    """The file that it would go by with the plugin, or without."""
    return folder / (SQLITE if persist_sqlite_plugin() is None else SNAPSHOT)


def prepare_state(state: Path) -> None:
    """Before each start of a broker that goes by SQLite. Raises StateUnreadable.

    The plugin publishes the Last Will of everyone who was connected when the broker ended, even in
    good order, without asking whether that is granted (2.1.2): so anybody could forge a message.
    It restores what it can of a file that is broken, without a word. And the time at which a
    session ends stays what it was when its client came back, so one that was in use for longer
    than persistent_client_expiration would end with the next start.
    """
    if state.name != SQLITE or not state.exists():
        return
    try:
        with closing(sqlite3.connect(state, timeout=1)) as connection, connection:
            [[said], *_] = connection.execute("PRAGMA quick_check(1)").fetchall()
            if said != "ok":
                raise StateUnreadable(f"{state} is broken: {said}")
            if _tables_of(connection) >= {"wills", "clients"}:
                connection.execute("DELETE FROM wills")
                connection.execute(
                    "UPDATE clients SET session_expiry_time = 0 WHERE session_expiry_time < ?",
                    [int(time.time())],
                )
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE in _BROKEN:
            raise StateUnreadable(f"{state} is broken: {error}") from None
        raise BrokerNotReady(f"{state} cannot be used: {error}") from None  # such as a full disk


def put_aside(state: Path) -> Path:
    """Out of the broker's way, in the place of an earlier one; where it is now."""
    aside = _aside(state)
    _move(state, aside)
    return aside


def put_back(state: Path) -> None:
    """As before `put_aside`, whatever was made meanwhile."""
    _move(_aside(state), state)


def remove(state: Path) -> None:
    """For good, with what belongs to it; the state itself last."""
    for file in reversed(list(_files_of(state))):
        file.unlink()


def _aside(state: Path) -> Path:
    return state.with_name(f"{state.name}.unreadable")


def _move(state: Path, to: Path) -> None:
    remove(to)
    for file in _files_of(state):
        file.replace(to.with_name(file.name.replace(state.name, to.name, 1)))


def _files_of(state: Path) -> Iterator[Path]:
    names = (f"{state.name}{ending}" for ending in ("", "-wal", "-shm"))
    return (file for name in names if (file := state.with_name(name)).exists())


def _tables_of(connection: sqlite3.Connection) -> set[str]:
    return {name for [name] in connection.execute("SELECT name FROM sqlite_schema")}
