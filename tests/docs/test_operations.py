"""The SQL of `docs/operations.md` does what the page says, on a real PostgreSQL."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chat.database import Database
from chat.models import Message
from chat.settings import REPOSITORY
from chat.topics import down_filter, up
from cli.transfer import TableSum, sum_of
from tests import databases
from tests.archives import MESSAGES, fill
from tests.conftest import needs
from tests.mqtt import Client
from tests.running import Installation


def sql_below(heading: str) -> str:
    """The block of SQL in that part of the page."""
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    found = re.search(rf"^#+ {heading}\n.*?^```sql\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert found is not None, f"there is no SQL below {heading}"
    return found[1]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """On a PostgreSQL database whose tables may be changed, with an archive."""
    for program in ("mosquitto", "initdb"):
        needs(program)
    url = databases.empty("postgresql", tmp_path)
    Database(url).migrate()
    installation = Installation(tmp_path, KATYDID_DATABASE_URL=url)
    with installation.database.writing() as session:
        fill(session)
    yield installation
    installation.stop_all()


def test_the_doctors_subjects_are_those_of_the_page() -> None:
    page = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    part = page.partition("\n## The doctor\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    described = {word for row in rows for word in re.findall(r"`(\w+)`", row)}

    code = "".join(file.read_text() for file in (REPOSITORY / "cli" / "doctor").glob("*.py"))
    told = set(re.findall(r'\b(?:ok|warning|wrong|skipped)\(\s*"(\w+)"', code))

    assert described == told


def messages(database: Database) -> TableSum:
    with database.transaction() as connection:
        return sum_of(connection, Message.__table__)


def test_a_table_of_messages_in_parts_is_the_same_table(installation: Installation) -> None:
    database = installation.database
    before = messages(database)
    statements = sql_below("A table of messages in parts").encode()

    with psycopg.connect(database.url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(statements)

    assert messages(database) == before
    parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'message'::regclass"
    assert installation.rows(parts) == [(16,)]
    [(definition,)] = installation.rows(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'uq_message_client_id'"
    )
    assert definition == "UNIQUE (conversation_id, sender_id, client_id)"
    assert_the_bridge_goes_on(installation)


def assert_the_bridge_goes_on(installation: Installation) -> None:
    """A repeat is known, and what is new gets the next number."""
    installation.start("broker", "bridge")
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        for id in ("m1", "new"):
            alice.publish(up("alice", "bob", "send"), {"id": id, "text": "hello"})
        alice.wait_for("message", lambda message: (message["id"], message["seq"]) == ("m1", 1))
        alice.wait_for(
            "message", lambda message: (message["id"], message["seq"]) == ("new", MESSAGES + 1)
        )
