"""Who may talk with a thing: its owner and whom the owner allows, and it with nobody else."""

from collections.abc import Iterator

import pytest

from chat.accounts import account_named
from chat.things import allow, disallow
from chat.times import now
from chat.topics import down_filter, up
from tests.bridge.test_contract import announce, settle
from tests.mqtt import Client
from tests.people import add_thing
from tests.running import Installation

pytestmark = pytest.mark.both_databases

# Alice owns the lamp and the bell, and lets Bob talk with the lamp; the radio is Bob's.
NAMES = ("alice", "bob", "carol", "lamp", "bell", "radio")
VERBS = {
    "send": {"id": "x", "text": "x"},
    "edit": {"id": "x", "seq": 1, "text": "x"},
    "unsend": {"id": "x", "seq": 1},
    "react": {"id": "x", "seq": 1, "reaction": "👍"},
    "typing": b"",
}
People = dict[str, Client]


@pytest.fixture(scope="module")
def bridge(shared_bridge: Installation) -> Installation:
    add_thing(shared_bridge.database, "alice", "lamp")
    add_thing(shared_bridge.database, "alice", "bell")
    add_thing(shared_bridge.database, "bob", "radio")
    return shared_bridge


@pytest.fixture(scope="module")
def connected(bridge: Installation) -> Iterator[People]:
    clients = {name: Client(bridge.settings, bridge.new_device(name)) for name in NAMES}
    for name, client in clients.items():
        client.connect().subscribe(down_filter(name))
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def people(bridge: Installation, connected: People) -> People:
    """They listen; their archive is empty."""
    with bridge.database.transaction() as connection:
        for table in ("presence", "message", "member", "conversation", "allowance", "block"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    change(bridge, "alice", "lamp", allows="bob")
    for client in connected.values():
        client.messages = []
    return connected


def change(
    bridge: Installation, owner: str, thing: str, *, allows: str = "", bars: str = ""
) -> None:
    with bridge.database.reading() as session:
        account = account_named(session, owner)
    assert account is not None
    if allows:
        allow(bridge.database, account, thing, allows, now())
    if bars:
        with bridge.database.writing() as session:
            disallow(session, account, thing, bars)


def say(people: People, one: str, other: str, id: str = "1") -> None:
    people[one].publish(up(one, other, "send"), {"id": id, "text": f"{one} to {other}"})


@pytest.mark.parametrize(
    ("one", "other"), [("alice", "lamp"), ("lamp", "alice"), ("bob", "lamp"), ("lamp", "bob")]
)
def test_owner_and_allowed_talk_with_a_thing_and_it_with_them(
    people: People, one: str, other: str
) -> None:
    say(people, one, other)

    assert people[other].wait_for("message")["text"] == f"{one} to {other}"
    people[other].publish(up(other, one, "typing"), b"", qos=0)
    people[other].publish(up(other, one, "read"), {"seq": 1})
    assert people[one].wait_for("receipt")["read"] == 1
    assert people[one].wait_for("typing")["from"] == other


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("one", "other"), [("carol", "lamp"), ("lamp", "carol"), ("bell", "lamp")])
def test_all_others_are_refused_and_so_is_the_thing(
    bridge: Installation, people: People, one: str, other: str, verb: str
) -> None:
    people[one].publish(up(one, other, verb), VERBS[verb])

    error = people[one].wait_for("error")
    assert (error["reason"], error["verb"], error["to"]) == ("refused", verb, other)
    assert error["id"] == (None if verb == "typing" else "x")
    settle(people)
    assert people[other].messages == []
    assert bridge.rows("SELECT 1 FROM conversation") == []


def test_two_things_talk_where_each_may(bridge: Installation, people: People) -> None:
    say(people, "lamp", "radio")
    assert people["lamp"].wait_for("error")["reason"] == "refused"
    change(bridge, "alice", "lamp", allows="radio")
    say(people, "lamp", "radio", "2")
    people["lamp"].wait_for("error", lambda error: error["id"] == "2")

    change(bridge, "bob", "radio", allows="lamp")
    say(people, "lamp", "radio", "3")
    say(people, "radio", "lamp", "4")

    assert people["radio"].wait_for("message")["id"] == "3"
    people["lamp"].wait_for("message", lambda message: message["id"] == "4")


def test_who_is_not_allowed_any_more_is_refused_at_once(
    bridge: Installation, people: People
) -> None:
    say(people, "bob", "lamp")
    people["lamp"].wait_for("message")

    change(bridge, "alice", "lamp", bars="bob")
    say(people, "bob", "lamp", "2")
    say(people, "lamp", "bob", "3")
    people["bob"].publish(up("bob", "lamp", "react"), VERBS["react"])
    say(people, "lamp", "alice", "4")

    people["bob"].wait_for("error", lambda error: error["id"] == "2")
    people["bob"].wait_for("error", lambda error: error["verb"] == "react")
    assert people["lamp"].wait_for("error")["id"] == "3"
    assert people["alice"].wait_for("message")["id"] == "4"
    settle(people)
    assert [message["id"] for message in people["lamp"].received("message")] == ["1", "4"]
    change(bridge, "alice", "lamp", allows="bob")
    say(people, "bob", "lamp", "5")
    people["lamp"].wait_for("message", lambda message: message["id"] == "5")


def test_what_was_said_is_still_read_and_a_repeat_still_answered_but_the_thing_hears_nothing(
    bridge: Installation, people: People
) -> None:
    say(people, "bob", "lamp")
    say(people, "lamp", "bob", "2")
    people["bob"].wait_for("message", lambda message: message["id"] == "2")
    settle(people)

    change(bridge, "alice", "lamp", bars="bob")
    heard = len(people["lamp"].received("message"))
    people["bob"].publish(up("bob", "lamp", "read"), {"seq": 2})
    people["lamp"].publish(up("lamp", "bob", "delivered"), {"seq": 1})
    say(people, "bob", "lamp")
    people["bob"].publish(up("bob", "lamp", "history"), b"")

    assert len(people["bob"].wait_for("history")["messages"]) == 2
    assert people["bob"].wait_for("receipt")["read"] == 2
    settle(people)
    assert people["bob"].received("message")[-1]["id"] == "1"
    assert len(people["lamp"].received("message")) == heard
    for name in ("bob", "lamp"):
        assert {each["account"] for each in people[name].received("receipt")} == {name}


def test_presence_of_a_thing_goes_to_those_and_theirs_to_it(
    bridge: Installation, people: People
) -> None:
    for one in ("alice", "bob"):
        say(people, one, "lamp", one)
        people["lamp"].wait_for("message", lambda message, one=one: message["id"] == one)
    announce(people["lamp"], "lamp", "c1", online=True)
    for one in ("alice", "bob"):
        people[one].wait_for("presence", lambda presence: presence["online"])
    announce(people["bob"], "bob", "c1", online=True)
    people["lamp"].wait_for("presence", lambda presence: presence["account"] == "bob")
    settle(people)

    change(bridge, "alice", "lamp", bars="bob")
    for client in people.values():
        client.messages = []
    announce(people["lamp"], "lamp", "c1", online=False)
    announce(people["bob"], "bob", "c1", online=False)

    assert people["alice"].wait_for("presence")["account"] == "lamp"
    settle(people)
    assert people["bob"].received("presence") == people["lamp"].received("presence") == []


def test_a_block_holds_against_a_thing_too(bridge: Installation, people: People) -> None:
    with bridge.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO block (account_id, blocked_id, created_at) SELECT bob.id, lamp.id, 1"
            " FROM account AS bob, account AS lamp WHERE bob.name = 'bob' AND lamp.name = 'lamp'"
        )

    say(people, "lamp", "bob")

    assert people["lamp"].wait_for("error")["reason"] == "refused"
