"""What holds on PostgreSQL alone: many write at once, servers come and go, URLs have passwords."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chat.database import Database
from chat.engines import problem_of
from chat.errors import WrongEncoding
from chat.models import Account, Conversation
from chat.settings import REPOSITORY
from chat.times import now
from tests import databases

pytestmark = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

# Takes the row of the conversation, says so, and does not go on.
HOLDER = """
import sys, time
from sqlalchemy import text
from chat.database import Database
with Database(sys.argv[1]).transaction() as connection:
    connection.execute(text("UPDATE conversation SET last_seq = 7"))
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(database: Database) -> Iterator["subprocess.Popen[str]"]:
    """Another program, in the middle of a transaction that has locked a conversation."""
    with database.writing() as session:
        session.add(Conversation(key="1:2"))
    command = [sys.executable, "-c", HOLDER, database.url]
    holder = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    yield holder
    holder.kill()
    holder.wait()
    holder.stdout.close()


def move_on(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE conversation SET last_seq = last_seq + 1"))


def last_seq(database: Database) -> int:
    with database.reading() as session:
        return int(
            session.connection().execute(text("SELECT last_seq FROM conversation")).scalar_one()
        )


def test_a_frozen_program_does_not_keep_its_locks(
    database: Database, holder: "subprocess.Popen[str]"
) -> None:
    """Within the time for which another waits for a lock, or this would fail."""
    os.kill(holder.pid, signal.SIGSTOP)

    move_on(database)

    assert last_seq(database) == 1


def test_a_killed_program_does_not_keep_its_locks(
    database: Database, holder: "subprocess.Popen[str]"
) -> None:
    holder.kill()

    move_on(database)

    assert last_seq(database) == 1


def test_a_reader_does_not_wait_for_a_writer(
    database: Database, holder: "subprocess.Popen[str]"
) -> None:
    assert last_seq(database) == 0
    assert holder.poll() is None


def test_a_server_that_was_restarted_costs_no_error(database: Database) -> None:
    database.check()
    with database.transaction() as connection:
        ours = "datname = current_database() AND usename = current_user"
        others = f"pid <> pg_backend_pid() AND {ours}"
        Database(database.url).check()
        connection.execute(
            text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        )

    for _ in range(3):
        database.check()


def test_who_reads_cannot_write(database: Database) -> None:
    account = Account(name="alice", display_name="", password_hash="!", created_at=now())

    def write() -> None:
        with database.reading() as session:
            session.add(account)
            session.flush()

    with pytest.raises(DBAPIError, match="read-only transaction"):
        write()


def test_a_database_that_cannot_keep_every_letter_is_refused(dialect: str, tmp_path: Path) -> None:
    url = databases.empty(dialect, tmp_path, "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")

    with pytest.raises(WrongEncoding, match="ENCODING 'UTF8'"):
        Database(url).migrate()


def test_what_the_url_asks_for_goes_before_what_we_say(database: Database) -> None:
    asked = "application_name=another&options=-c%20lock_timeout%3D1234"
    other = Database(f"{database.url}?{asked}")

    with other.reading() as session:
        connection = session.connection()
        shown = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("application_name", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    other.close()

    assert list(shown.values()) == ["another", "1234ms", "3s"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("/katydid_", "/not_there_"), "does not exist"),
        (("katydid:", "katydid:not"), 'password authentication failed for user "katydid"'),
        (("127.0.0.1:", "no.such.host.invalid:"), "failed to resolve host"),
    ],
)
def test_why_there_is_no_connection_is_said_without_the_password(
    database: Database, change: tuple[str, str], says: str
) -> None:
    other = Database(database.url.replace(*change))
    password = other.url.split(":")[2].partition("@")[0]

    with pytest.raises(DBAPIError) as wrong:
        other.check()

    assert says in problem_of(wrong.value)
    assert "\n" not in problem_of(wrong.value)
    assert password not in problem_of(wrong.value)
    assert "***" in other.shown_url
    assert password not in other.shown_url
