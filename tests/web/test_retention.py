"""The site deletes by itself what is no longer to be kept, and one process of it does."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, update

from chat.models import Message
from chat.times import now
from tests.people import add_accounts, add_conversation
from tests.running import Installation, wait_until
from tests.web.served import ServedSite
from tests.web.site import execute

pytestmark = pytest.mark.both_databases


@pytest.fixture
def served(tmp_path: Path, password_hash: str, dialect: str) -> Iterator[ServedSite]:
    """Alice wrote two things to Bob ten days ago, and one just now; a week is kept."""
    installation = Installation(tmp_path, dialect=dialect, KATYDID_KEEP_DAYS="7")
    alice, bob = add_accounts(installation.database, "alice", "bob")
    add_conversation(installation.database, alice, bob, "one", "two", "three")
    with installation.database.writing() as session:
        old = update(Message).where(col(Message.seq) < 3)
        session.exec(old.values(stored_at=now() - timedelta(days=10)))
    execute(installation, "UPDATE account SET password_hash = :hash", hash=password_hash)
    site = ServedSite(installation)
    yield site
    site.stop()
    installation.stop_all()


def test_what_is_older_than_the_setting_says_is_deleted_once(served: ServedSite) -> None:
    with served.program("alice") as alice:
        for _ in range(20):  # both processes are asked something
            alice.get("/api/v1/conversations")
        wait_until("the old ones to go", lambda: "old messages were deleted" in served.log())
        page = alice.get("/api/v1/conversations/bob/messages").json()

    assert [message["seq"] for message in page["messages"]] == [3]
    assert page["more"] is False
    assert served.log().count("old messages were deleted") == 1
