"""What is done to a text later: edits, unsends, reactions, and replies that point to one."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.archive import Archive
from bridge.intake import command_from
from chat.accounts import account_named
from chat.messages import history
from chat.models import Block
from chat.payloads import ErrorRecord, MessageRecord
from chat.times import now
from chat.topics import down_filter, up
from tests.bridge.test_contract import TO_ALICE, TO_BOB, settle
from tests.conftest import needs
from tests.contract import assert_heard_described
from tests.mqtt import MQTT_3, Client
from tests.running import Installation, wait_until

pytestmark = pytest.mark.both_databases

NAMES = ("alice", "bob", "carol")


@pytest.fixture(scope="module")
def connected(shared_bridge: Installation) -> Iterator[dict[str, Client]]:
    """Alice, Bob and Carol are connected, and listen."""
    clients = {
        name: Client(shared_bridge.settings, shared_bridge.new_device(name)) for name in NAMES
    }
    for name, client in clients.items():
        client.connect().subscribe(down_filter(name))
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def people(
    shared_bridge: Installation, connected: dict[str, Client]
) -> Iterator[dict[str, Client]]:
    """Alice has written texts 1 and 2 to Bob, and he has answered with 3."""
    with shared_bridge.database.transaction() as connection:
        for table in ("message", "member", "conversation", "block"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    alice, bob = connected["alice"], connected["bob"]
    for number in (1, 2):
        alice.publish(TO_BOB, {"id": f"a{number}", "text": f"text {number}"})
    bob.wait_for("message", lambda message: message["seq"] == 2)
    bob.publish(TO_ALICE, {"id": "b3", "text": "text 3"})
    alice.wait_for("message", lambda message: message["seq"] == 3)
    settle(connected)
    for client in connected.values():
        client.messages = []
    yield connected
    for client in connected.values():
        assert_heard_described(client.messages)


def do(people: dict[str, Client], name: str, verb: str, seq: int, **fields: Any) -> str:
    """Publish what `name` does to a text of Alice and Bob; answers its id."""
    to = "alice" if name == "bob" else "bob"
    id = str(fields.pop("id", f"{name}-{verb}-{seq}"))
    people[name].publish(up(name, to, verb), {"id": id, "seq": seq, **fields})
    return id


def page(people: dict[str, Client], name: str = "bob", **asked: Any) -> list[dict[str, Any]]:
    """The history of Alice and Bob, asked over MQTT."""
    people[name].messages = [m for m in people[name].messages if b'"request"' not in m.payload]
    to = "alice" if name == "bob" else "bob"
    people[name].publish(up(name, to, "history"), {"request": "q", **asked})
    answer = people[name].wait_for("history", lambda page: page["request"] == "q")
    messages: list[dict[str, Any]] = answer["messages"]
    return messages


def test_an_edit_is_told_as_an_event_and_history_shows_the_text_as_it_is_now(
    people: dict[str, Client],
) -> None:
    do(people, "alice", "edit", 1, text="better", sent_at="2026-11-23T10:00:00Z")

    seen = people["bob"].wait_for("message")
    assert people["alice"].wait_for("message") == seen
    assert {name: seen[name] for name in ("seq", "kind", "target", "text", "from", "to")} == {
        "seq": 4,
        "kind": "edit",
        "target": 1,
        "text": "better",
        "from": "alice",
        "to": "bob",
    }
    assert seen["sent_at"] == "2026-11-23T10:00:00.000Z"
    first, second, _, edit = page(people)
    assert (first["text"], first["edited_at"]) == ("better", seen["stored_at"])
    assert edit == seen
    assert (second["text"], "edited_at" in second) == ("text 2", False)
    settle(people)
    assert people["carol"].messages == []


def test_who_edited_what_and_when_stays_in_sql(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    for number in (1, 2):
        do(people, "alice", "edit", 1, id=f"e{number}", text=f"wording {number}")
    people["bob"].wait_for("message", lambda message: message["seq"] == 5)

    assert shared_bridge.rows(
        "SELECT message.seq, account.name, message.kind, message.body, stored_at > 0"
        " FROM message JOIN account ON account.id = message.sender_id"
        " WHERE message.seq = 1 OR message.target_seq = 1 ORDER BY message.seq"
    ) == [
        (1, "alice", "text", "text 1", True),
        (4, "alice", "edit", "wording 1", True),
        (5, "alice", "edit", "wording 2", True),
    ]
    assert page(people)[0]["text"] == "wording 2"


def test_nothing_is_left_of_what_was_unsent_but_that_it_was(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    do(people, "alice", "edit", 1, text="better")
    do(people, "alice", "unsend", 1)

    told = people["bob"].wait_for("message", lambda message: message["kind"] == "unsend")
    assert (told["seq"], told["target"], told["text"]) == (5, 1, "")
    first, _, _, edit, unsend = page(people)
    assert (first["text"], first["unsent_at"]) == ("", told["stored_at"])
    assert (edit["text"], unsend) == ("", told)
    bodies = shared_bridge.rows("SELECT body FROM message ORDER BY seq")
    assert [body for (body,) in bodies] == ["", "text 2", "text 3", "", ""]


def test_the_newest_reaction_of_each_member_counts(people: dict[str, Client]) -> None:
    for name, number, emoji in (
        ("bob", 1, "👍"),
        ("alice", 1, "👩‍👩‍👧"),
        ("bob", 2, "🦗"),
    ):
        do(people, name, "react", 1, id=f"{name}-{number}", reaction=emoji)
        people["bob"].wait_for("message", lambda message, emoji=emoji: message["text"] == emoji)

    told = people["alice"].received("message")[-1]
    assert (told["kind"], told["target"], told["text"]) == ("reaction", 1, "🦗")
    assert page(people)[0]["reactions"] == {"alice": "👩‍👩‍👧", "bob": "🦗"}
    assert [message["text"] for message in page(people, after=3)] == ["👍", "👩‍👩‍👧", "🦗"]
    do(people, "alice", "react", 1, id="away", reaction="")
    people["bob"].wait_for("message", lambda message: message["id"] == "away")
    assert page(people)[0]["reactions"] == {"bob": "🦗"}


def test_a_reply_says_which_text_it_answers(people: dict[str, Client]) -> None:
    people["bob"].publish(TO_ALICE, {"id": "r", "text": "yes", "reply_to": 1})

    seen = people["alice"].wait_for("message")
    assert (seen["kind"], seen["seq"], seen["reply_to"]) == ("text", 4, 1)
    assert page(people)[-1] == seen


def test_a_repeat_is_answered_with_the_same_seq_and_stores_nothing(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    twice: list[tuple[str, dict[str, Any]]] = [
        ("edit", {"text": "better"}),
        ("react", {"reaction": "👍"}),
        ("send", {"text": "yes", "reply_to": 1}),
        ("unsend", {}),
    ]
    for _ in range(2):
        for verb, fields in twice:
            seq = {} if verb == "send" else {"seq": 1}
            people["alice"].publish(up("alice", "bob", verb), {"id": verb, **seq, **fields})

    wait_until("eight answers", lambda: len(people["alice"].received("message")) == 8)
    answers = people["alice"].received("message")
    seqs = [(answer["id"], answer["seq"]) for answer in answers]
    assert seqs[:4] == seqs[4:] == [("edit", 4), ("react", 5), ("send", 6), ("unsend", 7)]
    assert answers[5:] == answers[1:4]
    assert (answers[0]["text"], answers[4]["text"]) == ("better", "")
    assert shared_bridge.rows("SELECT count(*), max(last_seq) FROM message, conversation") == [
        (7, 7)
    ]


REFUSED = [
    ("edit", {"seq": 9, "text": "x"}, "no message 9"),
    ("unsend", {"seq": 9}, "no message 9"),
    ("react", {"seq": 9, "reaction": "👍"}, "no message 9"),
    ("send", {"reply_to": 9, "text": "x"}, "no message 9"),
    ("edit", {"seq": 3, "text": "x"}, "not yours"),
    ("unsend", {"seq": 3}, "not yours"),
    ("edit", {"seq": 4, "text": "x"}, "no text"),
    ("unsend", {"seq": 4}, "no text"),
    ("react", {"seq": 4, "reaction": "👍"}, "no text"),
    ("send", {"reply_to": 4, "text": "x"}, "no text"),
    ("edit", {"seq": 2, "text": "x"}, "was unsent"),
    ("unsend", {"seq": 2}, "was unsent"),
    ("react", {"seq": 2, "reaction": "👍"}, "was unsent"),
    ("send", {"reply_to": 2, "text": "x"}, "was unsent"),
]


def test_what_points_to_no_text_that_is_there_is_refused(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    alice = people["alice"]
    do(people, "alice", "react", 1, reaction="👍")
    do(people, "alice", "unsend", 2)
    alice.wait_for("message", lambda message: message["seq"] == 5)

    for number, (verb, fields, _) in enumerate(REFUSED):
        alice.publish(up("alice", "bob", verb), {"id": f"wrong-{number}", **fields})

    wait_until("all refusals", lambda: len(alice.received("error")) == len(REFUSED))
    errors = {error["id"]: error for error in alice.received("error")}
    for number, (verb, _, detail) in enumerate(REFUSED):
        error = errors[f"wrong-{number}"]
        assert (error["verb"], error["to"], error["reason"]) == (verb, "bob", "refused")
        assert detail in error["detail"], verb
    assert shared_bridge.rows("SELECT last_seq FROM conversation") == [(5,)]
    assert people["bob"].received("error") == []


def test_bad_input_is_answered_and_stops_nothing(people: dict[str, Client]) -> None:
    alice = people["alice"]
    wrong = [
        ("bob", "edit", b"better", "malformed", None),
        ("bob", "edit", b'{"id": "a", "seq": 1, "text": ""}', "malformed", "a"),
        ("bob", "edit", b'{"id": "a", "seq": 1, "text": "%s"}' % (b"x" * 4001), "too-long", "a"),
        ("bob", "unsend", b'{"id": "a"}', "malformed", "a"),
        ("bob", "react", b'{"id": "a", "seq": 1, "reaction": "two words"}', "malformed", "a"),
        ("zed", "unsend", b'{"id": "a", "seq": 1}', "unknown-recipient", "a"),
        ("carol", "edit", b'{"id": "a", "seq": 1, "text": "x"}', "refused", "a"),
        ("alice", "react", b'{"id": "a", "seq": 1, "reaction": "!"}', "refused", "a"),
    ]

    for to, verb, payload, _, _ in wrong:
        alice.publish(up("alice", to, verb), payload)

    wait_until("all answers", lambda: len(alice.received("error")) == len(wrong))
    told = sorted(
        (error["to"], error["verb"], error["reason"], str(error["id"]))
        for error in alice.received("error")
    )
    assert told == sorted((to, verb, reason, str(id)) for to, verb, _, reason, id in wrong)
    alice.publish(TO_BOB, {"id": "next", "text": "and life goes on"})
    assert people["bob"].wait_for("message")["seq"] == 4


def test_devices_of_all_kinds_share_what_one_of_them_does(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    program, settings = needs("mosquitto_pub"), shared_bridge.settings
    watch = Client(settings, shared_bridge.new_device("alice"), protocol=MQTT_3).connect()
    watch.subscribe(down_filter("alice"))
    for version, verb, payload in (
        ("mqttv311", "edit", '{"id": "p1", "seq": 1, "text": "from the door"}'),
        ("mqttv5", "react", '{"id": "p2", "seq": 3, "reaction": "🔔"}'),
        ("mqttv311", "unsend", '{"id": "p3", "seq": 2}'),
    ):
        door = shared_bridge.new_device("alice")
        where = ("-h", settings.broker_host, "-p", str(settings.mqtt_port))
        login = ("-i", door.user_name, "-u", door.user_name, "-P", door.password)
        said = ("-t", up("alice", "bob", verb), "-m", payload)
        words = [program, "-V", version, "-q", "1", *where, *login, *said]
        subprocess.run(words, check=True, timeout=30)

    for client in (watch, people["alice"], people["bob"]):
        wait_until("three events", lambda client=client: len(client.received("message")) == 3)
    seen = people["bob"].received("message")
    assert [(one["kind"], one["target"]) for one in seen] == [
        ("edit", 1),
        ("reaction", 3),
        ("unsend", 2),
    ]
    assert watch.received("message") == people["alice"].received("message") == seen
    watch.close()


def test_nobody_changes_a_conversation_of_others(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    carol = people["carol"]
    for verb, fields in (
        ("edit", {"seq": 1, "text": "x"}),
        ("unsend", {"seq": 1}),
        ("react", {"seq": 1, "reaction": "👍"}),
        ("send", {"reply_to": 1, "text": "x"}),
    ):
        carol.publish(up("carol", "bob", verb), {"id": verb, **fields})

    wait_until("all refusals", lambda: len(carol.received("error")) == 4)
    assert {error["reason"] for error in carol.received("error")} == {"refused"}
    assert shared_bridge.rows("SELECT count(*), max(last_seq) FROM conversation") == [(1, 3)]
    assert people["bob"].messages == []


def test_who_is_blocked_changes_nothing_any_more(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    with shared_bridge.database.writing() as session:
        alice, bob = account_named(session, "alice"), account_named(session, "bob")
        assert alice is not None
        assert bob is not None
        session.add(Block(account_id=bob.id, blocked_id=alice.id, created_at=now()))

    do(people, "alice", "edit", 1, text="x")
    do(people, "alice", "unsend", 2)
    do(people, "alice", "react", 3, reaction="👍")

    wait_until("all refusals", lambda: len(people["alice"].received("error")) == 3)
    details = {error["detail"] for error in people["alice"].received("error")}
    assert details == {"bob does not accept messages from you."}
    do(people, "bob", "react", 1, reaction="👋")
    people["alice"].wait_for("message", lambda message: message["text"] == "👋")


def test_of_one_batch_each_finds_what_came_before_it(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    said = [
        ("edit", b'{"id": "e1", "seq": 1, "text": "first"}'),
        ("edit", b'{"id": "e2", "seq": 1, "text": "second"}'),
        ("edit", b'{"id": "e1", "seq": 1, "text": "a repeat"}'),
        ("send", b'{"id": "new", "text": "hello"}'),
        ("edit", b'{"id": "e3", "seq": 6, "text": "hello, Bob"}'),
        ("send", b'{"id": "r", "text": "yes", "reply_to": 6}'),
        ("unsend", b'{"id": "u", "seq": 6}'),
        ("edit", b'{"id": "e4", "seq": 6, "text": "too late"}'),
        ("unsend", b'{"id": "u2", "seq": 6}'),
        ("react", b'{"id": "x", "seq": 6, "reaction": "!"}'),
        ("read", b'{"seq": 9}'),
        ("send", b'{"id": "last", "text": "and on"}'),
    ]
    commands = [command_from(up("alice", "bob", verb), payload) for verb, payload in said]

    news = Archive(shared_bridge.database).store(commands, now(), [])

    records = [each.record for each in news if each is not None]
    seqs = [one.seq if isinstance(one, MessageRecord) else type(one) for one in records]
    refused = [ErrorRecord] * 3
    assert [*seqs[:10], seqs[11]] == [4, 5, 4, 6, 7, 8, 9, *refused, 10]
    with shared_bridge.database.reading() as session:
        alice = account_named(session, "alice")
        assert alice is not None
        texts = [message.text for message in history(session, account=alice, peer="bob").messages]
    assert texts == [
        *("second", "text 2", "text 3", "first", "second"),
        *("", "", "yes", "", "and on"),
    ]
