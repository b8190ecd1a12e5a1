"""Archives to measure with, written straight into SQL, with the rows that the bridge writes.

A large one takes minutes to make: it is made once for each version of the tables, and kept in
`var/bench/`, from where each installation has a copy.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
from alembic.script import ScriptDirectory
from sqlalchemy import insert
from sqlalchemy.engine import make_url

from bench.crowd import add_crowd
from bench.load import TEXTS
from chat.accounts import NO_PASSWORD
from chat.conversations import direct_key
from chat.database import Database
from chat.models import Account, Conversation, Member, SearchProgress
from chat.settings import REPOSITORY
from chat.times import milliseconds, now
from cli.cluster.postgres import PostgresServer
from cli.free_ports import free_ports
from cli.terminal import say

KEPT = REPOSITORY / "var" / "bench"
_COLUMNS = "conversation_id, seq, sender_id, client_id, kind, body, stored_at"
_SECONDS_APART = 60

_Row = tuple[int, int, int, str, str, str, int]


@dataclass(frozen=True)
class Archive:
    """What is in a database before it is measured; `name` tells it apart from others."""

    name: str
    fill: Callable[[Database], None]

    def sqlite_file(self) -> Path:
        """The file, made if it is not there."""
        return self._kept("sqlite") / "katydid.db"

    def postgres_folder(self) -> Path:
        """The folder of a server that does not run, likewise."""
        return self._kept("postgresql") / "postgres"

    def _kept(self, dialect: str) -> Path:
        """Under another name until it is complete: one that was cut off is made anew."""
        wanted = KEPT / f"{self.name}-{dialect}-{_version_of_tables()}"
        if wanted.exists():
            return wanted
        draft = wanted.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        say(f"{wanted.name} is made, once")
        if dialect == "sqlite":
            self._make(f"sqlite:///{draft / 'katydid.db'}")
        else:
            server = PostgresServer(draft / "postgres", *free_ports(1))
            server.start()
            try:
                self._make(server.url())
            finally:
                server.stop()
        draft.rename(wanted)
        return wanted

    def _make(self, url: str) -> None:
        with closing(Database(url)) as database:
            database.migrate()
            self.fill(database)


def long_conversation(messages: int) -> Archive:
    """The crowd's first two have written so many to each other, one in each minute up to now."""

    def fill(database: Database) -> None:
        add_crowd(database, 2)
        _converse(database, messages)

    return Archive(f"conversation-{messages}", fill)


def begin_conversations(database: Database, number: int) -> None:
    """So many, each between two accounts of its own, in an empty database: the first one's id is 1,
    between the accounts 1 and 2, and so on."""
    at = now()
    with database.transaction() as connection:
        connection.execute(
            insert(Account),
            [
                {
                    "name": f"account-{id}",
                    "display_name": f"account-{id}",
                    "password_hash": NO_PASSWORD,
                    "created_at": at,
                }
                for id in range(1, 2 * number + 1)
            ],
        )
        keys = [direct_key(2 * place + 1, 2 * place + 2) for place in range(number)]
        connection.execute(insert(Conversation), [{"key": key} for key in keys])
        connection.execute(
            insert(Member),
            [
                {"conversation_id": place + 1, "account_id": 2 * place + which}
                for place in range(number)
                for which in (1, 2)
            ],
        )


def _converse(database: Database, messages: int) -> None:
    """Between the accounts 1 and 2. The index of texts is left out, and said to be complete, so
    that a site does not begin to make it while something else is measured."""
    with database.transaction() as connection:
        connection.execute(insert(Conversation), [{"key": direct_key(1, 2), "last_seq": messages}])
        connection.execute(
            insert(Member),
            [
                {
                    "conversation_id": 1,
                    "account_id": account,
                    "delivered_seq": messages,
                    "read_seq": messages,
                }
                for account in (1, 2)
            ],
        )
    with database.indexing() as session:
        session.add(SearchProgress(conversation_id=1, seq=messages))
    insert_rows(database, _rows(messages))


def _rows(messages: int) -> Iterator[_Row]:
    chance = random.Random(1)  # noqa: S311  no secret is made of it
    last = milliseconds(now())
    for seq in range(1, messages + 1):
        stored_at = last - (messages - seq) * _SECONDS_APART * 1000
        # 128 random bits, as browsers have them.
        id = f"{chance.getrandbits(128):032x}"
        yield 1, seq, 1 + seq % 2, id, "text", TEXTS[seq % len(TEXTS)], stored_at


def insert_rows(database: Database, rows: Iterator[_Row]) -> None:
    """Into `message`, as fast as the database's own driver can."""
    url = make_url(database.url)
    if database.dialect == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            # What is cut off is made anew.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute("PRAGMA cache_size=-500000")
            places = ", ".join("?" * (_COLUMNS.count(",") + 1))
            statement = f"INSERT INTO message ({_COLUMNS}) VALUES ({places})"  # noqa: S608
            connection.executemany(statement, rows)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        copying = f"COPY message ({_COLUMNS}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copying) as taken:
            for row in rows:
                taken.write_row(row)
        connection.execute("VACUUM (ANALYZE)")


def _version_of_tables() -> str:
    return str(ScriptDirectory(REPOSITORY / "chat" / "migrations").get_current_head())
