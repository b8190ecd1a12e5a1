"""What the bridge tells of those who hide, and of those who were deleted: nothing of it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from chat.accounts import account_named
from chat.deletions import begin_deletion
from chat.profiles import change_profile
from chat.times import now
from chat.topics import down_filter, up
from tests.bridge.test_contract import TO_ALICE, TO_BOB, announce, settle
from tests.contract import assert_heard_described
from tests.mqtt import Client
from tests.running import Installation

pytestmark = pytest.mark.both_databases

NAMES = ("alice", "bob", "carol")


@pytest.fixture
def people(shared_bridge: Installation) -> Iterator[dict[str, Client]]:
    """Alice, Bob and Carol are connected, listen, and hide nothing; Alice and Bob have talked."""
    with shared_bridge.database.transaction() as connection:
        for table in ("presence", "message", "member", "conversation", "block", "deletion"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(
            text(
                "UPDATE account SET hides_presence = false, hides_read = false,"
                " presence_switched_at = null, last_seen_at = null, deleted_at = null"
            )
        )
    clients = {
        name: Client(shared_bridge.settings, shared_bridge.new_device(name)) for name in NAMES
    }
    for name, client in clients.items():
        client.connect().subscribe(down_filter(name))
    for number in range(1, 4):
        clients["alice"].publish(TO_BOB, {"id": f"{number}", "text": f"text {number}"})
    clients["bob"].wait_for("message", lambda message: message["seq"] == 3)
    settle(clients)
    yield clients
    for client in clients.values():
        client.close()
        assert_heard_described(client.messages)


def hide(installation: Installation, name: str, **switches: bool) -> None:
    with installation.database.writing() as session:
        account = account_named(session, name)
        assert account is not None
        change_profile(session, account, now=now(), **switches)


def delete(installation: Installation, name: str) -> None:
    """As far as the bridge goes by it."""
    with installation.database.writing() as session:
        account = account_named(session, name)
        assert account is not None
        begin_deletion(session, account, erases_messages=False, login_id=None, now=now())


@pytest.mark.parametrize("hiding", ["alice", "bob"])
def test_where_one_hides_what_was_read_the_other_is_told_only_what_was_received(
    shared_bridge: Installation, people: dict[str, Client], hiding: str
) -> None:
    hide(shared_bridge, hiding, hides_read=True)
    bob = people["bob"]

    bob.publish(up("bob", "alice", "read"), {"seq": 1})
    bob.publish(up("bob", "alice", "delivered"), {"seq": 3})
    bob.publish(up("bob", "alice", "read"), {"seq": 2})

    settle(people)
    told = {name: _cursors(people[name]) for name in ("alice", "bob")}
    assert told == {"alice": [(1, 0), (3, 0)], "bob": [(1, 1), (3, 1), (3, 2)]}
    read = "SELECT read_seq FROM member JOIN account ON id = account_id WHERE name = 'bob'"
    assert shared_bridge.rows(read) == [(2,)]


def test_who_shows_again_what_was_read_has_it_told(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    hide(shared_bridge, "bob", hides_read=True)
    people["bob"].publish(up("bob", "alice", "read"), {"seq": 2})
    settle(people)

    hide(shared_bridge, "bob", hides_read=False)
    people["bob"].publish(up("bob", "alice", "read"), {"seq": 3})

    people["alice"].wait_for("receipt", lambda receipt: receipt["read"] == 3)


def _cursors(client: Client) -> list[tuple[int, int]]:
    return [(receipt["delivered"], receipt["read"]) for receipt in client.received("receipt")]


@pytest.mark.parametrize("hiding", ["alice", "bob"])
def test_typing_is_not_told_by_nor_to_who_hides(
    shared_bridge: Installation, people: dict[str, Client], hiding: str
) -> None:
    hide(shared_bridge, hiding, hides_presence=True)

    people["alice"].publish(up("alice", "bob", "typing"), b"")

    settle(people)
    assert people["bob"].received("typing") == []


def test_who_hides_comes_and_goes_unseen(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    hide(shared_bridge, "alice", hides_presence=True)

    announce(people["alice"], "alice", "c1", online=True)
    announce(people["alice"], "alice", "c1", online=False)

    settle(people)
    assert people["bob"].received("presence") == []


def test_who_hides_is_not_told_of_others(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    people["carol"].publish(up("carol", "alice", "send"), "hello")
    people["alice"].wait_for("message", lambda message: message["from"] == "carol")
    hide(shared_bridge, "bob", hides_presence=True)

    announce(people["alice"], "alice", "c1", online=True)

    people["carol"].wait_for("presence", lambda presence: presence["online"])
    settle(people)
    assert people["bob"].received("presence") == []


def test_who_hides_while_online_is_told_to_be_gone_once_and_back_when_shown(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    alice, bob = people["alice"], people["bob"]
    announce(alice, "alice", "c1", online=True)
    bob.wait_for("presence", lambda presence: presence["online"])

    hide(shared_bridge, "alice", hides_presence=True)
    for _ in range(3):
        announce(alice, "alice", "c1", online=True)
    settle(people)
    hide(shared_bridge, "alice", hides_presence=False)
    for _ in range(3):
        announce(alice, "alice", "c1", online=True)
    settle(people)

    told = [(presence["online"], presence["last_seen_at"]) for presence in bob.received("presence")]
    assert told == [(True, None), (False, None), (True, None)]


@pytest.mark.parametrize("blocking", ["alice", "bob"])
def test_where_one_has_blocked_the_other_neither_is_told_of_presence(
    shared_bridge: Installation, people: dict[str, Client], blocking: str
) -> None:
    block(shared_bridge, blocking)

    announce(people["alice"], "alice", "c1", online=True)

    settle(people)
    assert people["bob"].received("presence") == []


@pytest.mark.parametrize("blocking", ["alice", "bob"])
def test_where_one_has_blocked_the_other_neither_is_told_what_has_arrived_nor_old_texts_again(
    shared_bridge: Installation, people: dict[str, Client], blocking: str
) -> None:
    alice, bob = people["alice"], people["bob"]
    block(shared_bridge, blocking)
    heard = len(bob.received("message"))

    alice.publish(up("alice", "bob", "delivered"), {"seq": 2})
    alice.publish(up("alice", "bob", "read"), {"seq": 3})
    alice.publish(TO_BOB, {"id": "1", "text": "text 1"})
    settle(people)

    assert [receipt["read"] for receipt in alice.received("receipt")][-1] == 3
    assert [each for each in bob.received("receipt") if each["account"] == "alice"] == []
    # A repeat is answered to its sender, and pushed at nobody who does not want to hear.
    assert alice.received("message")[-1]["id"] == "1"
    assert len(bob.received("message")) == heard + (blocking == "alice")


def block(installation: Installation, blocking: str) -> None:
    other = "bob" if blocking == "alice" else "alice"
    with installation.database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO block (account_id, blocked_id, created_at)"
                " SELECT one.id, other.id, 1 FROM account AS one, account AS other"
                " WHERE one.name = :one AND other.name = :other"
            ),
            {"one": blocking, "other": other},
        )


def test_a_device_is_known_to_be_used_when_it_announces_itself(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    device = shared_bridge.new_device("alice").user_name.partition(".")[2]
    last_used = "SELECT id, last_used_at FROM device WHERE last_used_at IS NOT NULL"
    assert shared_bridge.rows(last_used) == []

    announce(people["bob"], "bob", f"{device}-1", online=True)
    announce(people["alice"], "alice", "no device", online=True)
    settle(people)
    assert shared_bridge.rows(last_used) == []
    announce(people["alice"], "alice", f"{device}-1", online=True)
    settle(people)
    [(id, at)] = shared_bridge.rows(last_used)
    announce(people["alice"], "alice", f"{device}-1", online=True)
    settle(people)

    assert id == device
    # To the minute is enough.
    assert shared_bridge.rows(last_used) == [(device, at)]


def test_nobody_writes_to_a_deleted_account_nor_as_one(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    delete(shared_bridge, "bob")

    people["alice"].publish(TO_BOB, {"id": "late", "text": "are you there?"})
    people["carol"].publish(up("carol", "bob", "send"), {"id": "first", "text": "hello"})
    people["bob"].publish(TO_ALICE, {"id": "after", "text": "still under way"})
    people["alice"].publish(up("alice", "bob", "typing"), b"")

    for name, id in (("alice", "late"), ("carol", "first")):
        error = people[name].wait_for("error")
        assert (error["id"], error["reason"]) == (id, "unknown-recipient")
    settle(people)
    assert people["bob"].received("error")[0]["reason"] == "refused"
    assert people["bob"].received("typing") == []
    assert shared_bridge.rows("SELECT count(*) FROM message") == [(3,)]


def test_what_was_said_with_a_deleted_account_is_still_read(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    delete(shared_bridge, "alice")

    people["bob"].publish(up("bob", "alice", "history"), {"request": "all"})
    people["bob"].publish(up("bob", "alice", "read"), {"seq": 3})

    assert len(people["bob"].wait_for("history")["messages"]) == 3
    assert people["bob"].wait_for("receipt")["read"] == 3
    people["alice"].publish(up("alice", "-", "presence"), {"online": True, "connection": "c1"})
    people["alice"].publish(up("alice", "-", "presence"), {"online": False, "connection": "c1"})
    settle({"bob": people["bob"], "carol": people["carol"]})
    assert shared_bridge.rows("SELECT last_seen_at FROM account WHERE name = 'alice'") == [(None,)]
