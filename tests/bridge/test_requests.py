"""Strangers: who asks to be asked first learns of them and they nothing of it, until it answers or
accepts; and nobody begins many conversations in an hour."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlmodel import Session, select, update

from chat.accounts import account_named
from chat.message_requests import MOST_MESSAGES, accept
from chat.models import Account, MessageRequest
from chat.topics import down_filter, up
from tests.mqtt import Client
from tests.running import Installation

pytestmark = pytest.mark.both_databases


class Pair:
    """Alice, who begins to write, and Bob, who asks to be asked first."""

    def __init__(self, installation: Installation, stack: ExitStack) -> None:
        self.installation = installation
        self.alice, self.bob = (
            stack.enter_context(Client(installation.settings, installation.new_device(name)))
            for name in ("alice", "bob")
        )
        for name, client in (("alice", self.alice), ("bob", self.bob)):
            client.subscribe(down_filter(name))

    def write(self, text: str) -> None:
        self.alice.publish(up("alice", "bob", "send"), {"id": text, "text": text})

    def requests(self) -> int:
        with self.installation.database.reading() as session:
            return len(session.exec(select(MessageRequest)).all())


@pytest.fixture
def installation(tmp_path: Path, dialect: str) -> Iterator[Installation]:
    installation = Installation(tmp_path, dialect=dialect, KATYDID_STRANGERS_PER_HOUR="3")
    installation.register("alice", "bob", "carol", "dave", "erin")
    installation.start("broker", "bridge")
    yield installation
    installation.stop_all()


@pytest.fixture
def pair(installation: Installation) -> Iterator[Pair]:
    with installation.database.writing() as session:
        session.exec(update(Account).where(Account.name == "bob").values(asks_first=True))
    with ExitStack() as stack:
        yield Pair(installation, stack)


def everything_comes_after(pair: Pair, kind: str) -> list[dict[str, object]]:
    """What of that kind has come to Alice when what she sent to herself comes back."""
    pair.alice.publish(up("alice", "carol", "send"), {"id": "last", "text": "last"})
    pair.alice.wait_for("message", lambda message: message["id"] == "last")
    return pair.alice.received(kind)


def test_a_stranger_is_heard_and_told_nothing(pair: Pair) -> None:
    pair.write("hello")
    assert pair.bob.wait_for("message")["text"] == "hello"
    assert pair.requests() == 1

    pair.bob.publish(up("bob", "alice", "read"), {"seq": 1})
    assert pair.bob.wait_for("receipt")["read"] == 1
    pair.bob.publish(up("bob", "alice", "typing"), b"")
    pair.bob.publish(up("bob", "-", "presence"), {"online": True, "connection": "one"})
    pair.bob.publish(up("bob", "alice", "history"), {"request": "all of it was handled"})
    pair.bob.wait_for("history")

    assert everything_comes_after(pair, "receipt") == []
    assert pair.alice.received("typing") == []
    assert pair.alice.received("presence") == []


def test_a_stranger_sends_a_few_messages_and_no_more(pair: Pair) -> None:
    for number in range(MOST_MESSAGES + 1):
        pair.write(f"{number}")

    error = pair.alice.wait_for("error")

    assert (error["reason"], error["id"]) == ("refused", f"{MOST_MESSAGES}")
    assert error["detail"] == "bob has not accepted your messages yet; wait for an answer."
    pair.bob.wait_for("message", lambda message: message["seq"] == MOST_MESSAGES)
    assert len(pair.bob.received("message")) == MOST_MESSAGES


def test_an_answer_accepts_the_stranger(pair: Pair) -> None:
    pair.write("hello")
    pair.bob.wait_for("message")
    pair.bob.publish(up("bob", "alice", "send"), "who are you?")
    pair.alice.wait_for("message", lambda message: message["from"] == "bob")
    assert pair.requests() == 0

    pair.bob.publish(up("bob", "alice", "read"), {"seq": 1})

    assert pair.alice.wait_for("receipt")["account"] == "bob"
    for number in range(MOST_MESSAGES):
        pair.write(f"{number}")
    pair.bob.wait_for("message", lambda message: message["id"] == f"{MOST_MESSAGES - 1}")


def test_who_is_accepted_is_told_as_others_are(pair: Pair) -> None:
    pair.write("hello")
    pair.bob.wait_for("message")
    with pair.installation.database.writing() as session:
        accept(session, _account(session, "bob"), "alice")

    pair.bob.publish(up("bob", "alice", "typing"), b"")

    pair.alice.wait_for("typing")


def _account(session: Session, name: str) -> Account:
    found = account_named(session, name)
    assert found is not None
    return found


def test_whom_one_wrote_to_is_no_stranger(pair: Pair) -> None:
    pair.bob.publish(up("bob", "alice", "send"), "hello")
    pair.alice.wait_for("message")
    pair.write("hello Bob")
    pair.bob.wait_for("message", lambda message: message["from"] == "alice")

    assert pair.requests() == 0


def test_nobody_begins_many_conversations_in_an_hour(installation: Installation) -> None:
    with Client(installation.settings, installation.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        for to in ("bob", "carol", "dave", "erin"):
            alice.publish(up("alice", to, "send"), {"id": to, "text": "hello"})
        error = alice.wait_for("error")
        alice.publish(up("alice", "bob", "send"), {"id": "again", "text": "still there"})
        alice.wait_for("message", lambda message: message["id"] == "again")

        assert (error["reason"], error["id"]) == ("rate-limited", "erin")
        assert {message["to"] for message in alice.received("message")} == {"bob", "carol", "dave"}

        with installation.database.writing() as session:
            session.connection().exec_driver_sql("UPDATE rate_limit SET expires_at = 1")
        alice.publish(up("alice", "erin", "send"), {"id": "later", "text": "hello"})
        alice.wait_for("message", lambda message: message["id"] == "later")
