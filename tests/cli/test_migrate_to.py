"""`./katydid migrate-to`: the whole archive arrives as it was, or nothing of it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from chat.database import Database
from chat.models import Account, Conversation
from chat.settings import REPOSITORY
from chat.shards import give_back, renew_leases
from chat.times import now
from cli.home import held_home
from cli.transfer import sum_of, tables
from tests import databases
from tests.archives import BODIES, MESSAGES, fill
from tests.conftest import needs
from tests.running import Installation


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """An installation that has an archive in SQLite, and does not run."""
    needs("initdb")
    installation = Installation(tmp_path)
    with installation.database.writing() as session:
        fill(session)
    yield installation
    installation.stop_all()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Database]:
    """A PostgreSQL database with the tables, which nobody has used."""
    needs("initdb")
    database = Database(databases.migrated("postgresql", tmp_path))
    yield database
    database.close()
    databases.give_back(database.url)


def migrate_to(
    installation: Installation, *words: str, asked: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(REPOSITORY / "katydid"), "migrate-to", *words],
        env=os.environ | installation.environ,
        input=asked,
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_refused(answer: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert answer.returncode == 1, answer.stdout + answer.stderr
    last = answer.stderr.splitlines()[-1]
    assert [word for word in words if word not in last] == [], answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


def sums(database: Database) -> dict[str, tuple[int, str]]:
    """Table → rows and checksum."""
    with database.transaction() as connection:
        return {
            table.name: (found.rows, found.checksum)
            for table in tables()
            for found in [sum_of(connection, table)]
        }


def count(database: Database, table: str) -> int:
    with database.transaction() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_everything_arrives_as_it_was(home: Installation, target: Database) -> None:
    before = sums(home.database)

    answer = migrate_to(home, "-", asked=f"{target.url}\n")

    assert answer.returncode == 0, answer.stderr
    assert sums(target) == sums(home.database) == before
    assert before["message"][0] == MESSAGES
    for table, (rows, checksum) in before.items():
        assert f"{table} " in answer.stdout
        assert f"{rows:,}  {checksum}" in answer.stdout
    with target.reading() as session:
        bodies = session.connection().execute(text("SELECT body FROM message ORDER BY seq LIMIT 7"))
        assert list(bodies.scalars()) == [*BODIES[1:], BODIES[0]]


def test_it_says_what_to_set_next_and_nobody_the_password(
    home: Installation, target: Database
) -> None:
    password = target.url.split(":")[2].partition("@")[0]

    answer = migrate_to(home, "-", asked=f"{target.url}\n")

    assert f"KATYDID_DATABASE_URL='{target.shown_url}'" in answer.stdout
    assert "warning" not in answer.stderr
    assert password not in answer.stdout + answer.stderr


def test_a_password_among_the_arguments_is_warned_of(home: Installation, target: Database) -> None:
    answer = migrate_to(home, target.url)

    assert answer.returncode == 0
    assert "everybody on this machine can see the password" in answer.stderr


def test_numbers_go_on_after_the_highest_one(home: Installation, target: Database) -> None:
    assert migrate_to(home, "-", asked=target.url).returncode == 0

    with target.writing() as session:
        carol = Account(name="carol", display_name="", password_hash="!", created_at=now())
        conversation = Conversation(key="7:10")
        session.add_all([carol, conversation])
        session.flush()

        assert (carol.id, conversation.id) == (10, 42)


def test_into_a_database_without_tables_too(home: Installation, tmp_path: Path) -> None:
    empty = Database(databases.empty("postgresql", tmp_path))

    assert migrate_to(home, "-", asked=empty.url).returncode == 0

    assert sums(empty) == sums(home.database)
    empty.close()


def test_what_arrives_changed_is_noticed_and_not_kept(home: Installation, tmp_path: Path) -> None:
    """A target that changes one letter of one message on its own."""
    tampering = Database(databases.empty("postgresql", tmp_path))
    tampering.migrate()
    with tampering.transaction() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION tamper() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " IF NEW.seq = 1234 THEN NEW.body = NEW.body || '.'; END IF; RETURN NEW; END $$"
            )
        )
        connection.execute(
            text(
                "CREATE TRIGGER tamper BEFORE INSERT ON message"
                " FOR EACH ROW EXECUTE FUNCTION tamper()"
            )
        )

    answer = migrate_to(home, "-", asked=tampering.url)

    assert_refused(answer, "The table message arrived with 3,000 rows", "nothing of it was kept")
    assert {count(tampering, table) for table in ("message", "account", "device")} == {0}
    tampering.close()


def test_what_is_changed_afterwards_has_another_checksum(
    home: Installation, target: Database
) -> None:
    assert migrate_to(home, "-", asked=target.url).returncode == 0

    with target.transaction() as connection:
        connection.execute(text("UPDATE message SET sent_at = NULL WHERE seq = 1"))

    before, after = sums(home.database), sums(target)
    assert [table for table in before if before[table] != after[table]] == ["message"]


def test_a_row_that_postgresql_does_not_take_is_told_and_nothing_kept(
    home: Installation, target: Database
) -> None:
    """SQLite keeps any length, and NUL too; our own programs write neither."""
    for change in ("client_id = 'a ' || body WHERE seq = 5", "body = char(0) WHERE seq = 6"):
        with home.database.transaction() as connection:
            connection.execute(text(f"UPDATE message SET {change}"))

        answer = migrate_to(home, "-", asked=target.url)

        assert_refused(answer, "PostgreSQL does not take a row of the table message")
        assert "xxxx" not in answer.stderr
        assert count(target, "account") == 0
        with home.database.transaction() as connection:
            connection.execute(text("UPDATE message SET client_id = 'm5' WHERE seq = 5"))


@pytest.mark.parametrize("used_by", ["a row", "a bridge"])
def test_a_target_that_somebody_uses_is_left_alone(
    home: Installation, target: Database, used_by: str
) -> None:
    with target.writing() as session:
        if used_by == "a row":
            session.add(Account(name="x1", display_name="", password_hash="!", created_at=now()))
        else:
            renew_leases(session, worker="a", shards=range(16), served=())
            give_back(session, "a")
    before = sums(target)

    answer = migrate_to(home, "-", asked=target.url)

    assert_refused(answer, target.shown_url, "is not empty")
    assert sums(target) == before


def test_an_archive_that_is_in_use_is_left_alone(home: Installation, target: Database) -> None:
    with held_home(home.settings):
        assert_refused(migrate_to(home, "-", asked=target.url), "runs already")

    with home.database.writing() as session:
        renew_leases(session, worker="a", shards=range(16), served=())
        session.connection().execute(
            text("UPDATE bridge_worker SET expires_at = expires_at + 60000")
        )
    assert_refused(migrate_to(home, "-", asked=target.url), "A bridge serves the archive")

    with home.database.writing() as session:
        give_back(session, "a")
    with home.database.writing() as session:
        session.connection()
        assert_refused(migrate_to(home, "-", asked=target.url), "database is locked")
    assert count(target, "account") == 0


def test_tables_of_another_version_are_left_alone(home: Installation, tmp_path: Path) -> None:
    later = Database(databases.empty("postgresql", tmp_path))
    later.migrate()
    with later.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert_refused(migrate_to(home, "-", asked=later.url), "cannot be brought to this version")
    later.close()

    with home.database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert_refused(migrate_to(home, "-", asked=later.url), "has tables of another version")


def test_where_there_is_no_archive_none_is_made(home: Installation, target: Database) -> None:
    file = home.settings.home / "nothing.db"
    home.environ["KATYDID_DATABASE_URL"] = f"sqlite:///{file}"

    assert_refused(migrate_to(home, "-", asked=target.url), f"There is no archive {file}")
    assert not file.exists()

    home.environ["KATYDID_DATABASE_URL"] = target.url
    assert_refused(migrate_to(home, "-", asked=target.url), "leads from SQLite there")


@pytest.mark.parametrize(
    ("words", "asked", "says"),
    [
        ([], "", "takes the URL of an empty PostgreSQL database, or -"),
        (["postgresql+psycopg://a@h/b", "more"], "", "takes the URL"),
        (["-"], "", "must be sqlite:///PATH or postgresql+psycopg://"),
        (["mysql://a:secret@h/b"], "", "must be sqlite:///PATH or postgresql+psycopg://"),
        (["sqlite:////tmp/x.db"], "", "leads to PostgreSQL"),
        (["-"], "postgresql+psycopg://a:secret@127.0.0.1:9/b", "fails: Connection refused"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(
    home: Installation, words: list[str], asked: str, says: str
) -> None:
    answer = migrate_to(home, *words, asked=asked)

    assert_refused(answer, says)
    assert "secret" not in answer.stderr
