"""What each verb does at the real broker, seen by the people concerned."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from chat.models import Block
from chat.times import milliseconds, now
from chat.topics import down, down_filter, up
from tests.contract import assert_heard_described
from tests.mqtt import PROTOCOLS, Client
from tests.running import Installation, wait_until

pytestmark = pytest.mark.both_databases

TO_BOB, TO_ALICE = up("alice", "bob", "send"), up("bob", "alice", "send")


@pytest.fixture(params=PROTOCOLS, ids=["mqtt5", "mqtt311"])
def protocol(request: pytest.FixtureRequest) -> int:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def people(shared_bridge: Installation, protocol: int) -> Iterator[dict[str, Client]]:
    """Alice, Bob and Carol are connected and listen; their archive is empty."""
    with shared_bridge.database.transaction() as connection:
        for table in ("presence", "message", "member", "conversation", "block"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    clients = {
        name: Client(shared_bridge.settings, shared_bridge.new_device(name), protocol=protocol)
        for name in ("alice", "bob", "carol")
    }
    for name, client in clients.items():
        client.connect().subscribe(down_filter(name))
    yield clients
    for client in clients.values():
        client.close()
        assert_heard_described(client.messages)


def settle(people: dict[str, Client]) -> None:
    """Wait until all that was sent so far has been told: what comes after it has come down."""
    for name, client in people.items():
        client.publish(up(name, "nobody-there", "send"), {"id": "settle", "text": "x"})
    for client in people.values():
        client.wait_for("error", lambda error: error["id"] == "settle")
        client.messages = [m for m in client.messages if b'"settle"' not in m.payload]


def test_a_message_comes_to_both_members_as_one_record(people: dict[str, Client]) -> None:
    people["alice"].publish(
        TO_BOB, {"id": "a-1", "text": "hello", "sent_at": "2026-11-23T10:00:00+01:00"}
    )

    seen = people["bob"].wait_for("message")
    assert people["alice"].wait_for("message") == seen
    assert list(seen) == [
        *("conversation", "seq", "id", "from", "to", "kind", "text", "sent_at", "stored_at")
    ]
    assert (seen["seq"], seen["id"], seen["text"]) == (1, "a-1", "hello")
    assert (seen["from"], seen["to"], seen["kind"]) == ("alice", "bob", "text")
    assert seen["sent_at"] == "2026-11-23T09:00:00.000Z"
    settle(people)
    assert people["carol"].messages == []


def test_a_bare_text_is_given_an_id(people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, "Grüße 🦗".encode())

    seen = people["bob"].wait_for("message")
    assert seen["text"] == "Grüße 🦗"
    assert seen["id"]


def test_messages_of_both_are_numbered_in_one_row(people: dict[str, Client]) -> None:
    for number in range(10):
        people["alice"].publish(TO_BOB, {"id": f"{number}", "text": "x"})
        people["bob"].publish(TO_ALICE, {"id": f"{number}", "text": "x"})

    people["bob"].wait_for("message", lambda message: message["seq"] == 20)
    settle(people)
    seqs = [message["seq"] for message in people["alice"].received("message")]
    assert sorted(seqs) == list(range(1, 21))


def test_a_repeat_is_answered_with_the_stored_record_and_stores_nothing(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    people["alice"].publish(TO_BOB, {"id": "a-1", "text": "hello"})
    first = people["alice"].wait_for("message")
    yesterday = milliseconds(now() - timedelta(days=1))
    with shared_bridge.database.transaction() as connection:
        connection.execute(text("UPDATE message SET stored_at = :at"), {"at": yesterday})

    people["alice"].publish(TO_BOB, {"id": "a-1", "text": "changed my mind"})

    wait_until("the answer", lambda: len(people["alice"].received("message")) == 2)
    again = people["alice"].received("message")[1]
    assert (again["seq"], again["text"]) == (first["seq"], "hello")
    assert again["stored_at"] < first["stored_at"]
    assert shared_bridge.rows("SELECT count(*), max(last_seq) FROM message, conversation") == [
        (1, 1)
    ]


def test_two_senders_may_choose_the_same_id(people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, {"id": "1", "text": "from alice"})
    people["bob"].publish(TO_ALICE, {"id": "1", "text": "from bob"})

    people["bob"].wait_for("message", lambda message: message["text"] == "from bob")
    people["bob"].wait_for("message", lambda message: message["text"] == "from alice")


def test_receipts_move_forward_only_and_are_told_to_both(people: dict[str, Client]) -> None:
    alice, bob = people["alice"], people["bob"]
    for number in range(5):
        alice.publish(TO_BOB, {"id": f"{number}", "text": "x"})
    bob.wait_for("message", lambda message: message["seq"] == 5)

    for verb, seq in (("delivered", 4), ("read", 3), ("read", 2), ("delivered", 1), ("read", 5)):
        bob.publish(up("bob", "alice", verb), {"seq": seq})

    for client in (alice, bob):
        client.wait_for("receipt", lambda receipt: receipt["read"] == 5)
        told = [(receipt["delivered"], receipt["read"]) for receipt in client.received("receipt")]
        assert told == sorted(told)
        assert told[-1] == (5, 5)
    assert {receipt["account"] for receipt in alice.received("receipt")} == {"bob"}
    settle(people)
    assert people["carol"].messages == []


def test_typing_is_relayed_to_the_other_alone(people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, "hello")
    conversation = people["bob"].wait_for("message")["conversation"]

    people["alice"].publish(up("alice", "bob", "typing"), b"", qos=0)

    typing = people["bob"].wait_for("typing")
    assert typing == {"conversation": conversation, "from": "alice"}
    settle(people)
    assert people["alice"].received("typing") == people["carol"].received("typing") == []


def announce(client: Client, name: str, connection: str, *, online: bool) -> None:
    client.publish(up(name, "-", "presence"), {"online": online, "connection": connection})


def test_presence_is_told_to_those_who_share_a_conversation(people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, "hello")
    people["bob"].wait_for("message")

    announce(people["alice"], "alice", "c1", online=True)

    seen = people["bob"].wait_for("presence")
    assert (seen["account"], seen["online"]) == ("alice", True)
    announce(people["alice"], "alice", "c1", online=False)
    gone = people["bob"].wait_for("presence", lambda presence: not presence["online"])
    assert gone["last_seen_at"] is not None
    settle(people)
    assert people["carol"].received("presence") == []


def test_a_late_will_of_an_old_connection_never_hides_a_new_one(people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, "hello")
    people["bob"].wait_for("message")
    announce(people["alice"], "alice", "old", online=True)
    announce(people["alice"], "alice", "new", online=True)

    announce(people["alice"], "alice", "old", online=False)

    settle(people)
    assert [presence["online"] for presence in people["bob"].received("presence")] == [True]


def test_ever_new_connections_do_not_pile_up(
    shared_bridge: Installation, people: dict[str, Client]
) -> None:
    for number in range(120):
        announce(people["alice"], "alice", f"c{number}", online=True)
    settle(people)

    assert shared_bridge.rows("SELECT count(*) FROM presence") == [(100,)]


def test_a_broken_connection_tells_by_its_will(
    shared_bridge: Installation, people: dict[str, Client], protocol: int
) -> None:
    people["alice"].publish(TO_BOB, "hello")
    people["bob"].wait_for("message")
    will = (up("alice", "-", "presence"), b'{"online": false, "connection": "c9"}')
    device = shared_bridge.new_device("alice")
    phone = Client(shared_bridge.settings, device, protocol=protocol, will=will).connect()
    announce(phone, "alice", "c9", online=True)
    people["bob"].wait_for("presence", lambda presence: presence["online"])

    phone.drop()

    people["bob"].wait_for("presence", lambda presence: not presence["online"])


def test_history_is_answered_page_by_page(people: dict[str, Client]) -> None:
    for number in range(1, 8):
        people["alice"].publish(TO_BOB, {"id": f"{number}", "text": f"text {number}"})
    people["bob"].wait_for("message", lambda message: message["seq"] == 7)
    ask = up("bob", "alice", "history")

    def page(request: str, **cursor: int) -> tuple[list[int], bool]:
        people["bob"].publish(ask, {"request": request, **cursor})
        answer = people["bob"].wait_for("history", lambda page: page["request"] == request)
        return [message["seq"] for message in answer["messages"]], answer["more"]

    assert page("newest", limit=3) == ([5, 6, 7], True)
    assert page("before", before=5, limit=4) == ([1, 2, 3, 4], False)
    assert page("after", after=5) == ([6, 7], False)
    people["bob"].publish(ask)
    newest = people["bob"].wait_for("history", lambda page: page["request"] is None)
    assert [message["text"] for message in newest["messages"]][:1] == ["text 1"]
    assert newest["messages"] == people["bob"].received("message")


def test_a_page_of_history_is_as_long_as_a_packet_may_be(people: dict[str, Client]) -> None:
    text = "🦗" * 4000
    for number in range(1, 31):
        people["alice"].publish(TO_BOB, {"id": f"{number}", "text": text})
    people["bob"].wait_for("message", lambda message: message["seq"] == 30)
    ask = up("bob", "alice", "history")

    people["bob"].publish(ask, {"request": "newest", "limit": 200})
    people["bob"].publish(ask, {"request": "oldest", "after": 0, "limit": 200})

    newest = people["bob"].wait_for("history", lambda page: page["request"] == "newest")
    oldest = people["bob"].wait_for("history", lambda page: page["request"] == "oldest")
    for page in (newest, oldest):
        assert page["more"]
        seqs = [message["seq"] for message in page["messages"]]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert len(seqs) > 5
    assert newest["messages"][-1]["seq"] == 30
    assert oldest["messages"][0]["seq"] == 1


def test_history_of_others_is_empty(people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, "a secret")
    people["bob"].wait_for("message")

    people["carol"].publish(up("carol", "bob", "history"), {"request": "q"})

    assert people["carol"].wait_for("history")["messages"] == []


@pytest.mark.parametrize("protocol", [PROTOCOLS[0]], ids=["mqtt5"], indirect=True)
def test_history_is_answered_at_the_response_topic_below_ones_own_down(
    people: dict[str, Client],
) -> None:
    answers = down("bob", "answers")
    people["bob"].publish(
        up("bob", "alice", "history"), b"", ResponseTopic=answers, CorrelationData=b"\x00\xff7"
    )

    people["bob"].wait_for("answers")
    [message] = [message for message in people["bob"].messages if message.topic == answers]
    assert message.properties.CorrelationData == b"\x00\xff7"  # type: ignore[union-attr]
    assert people["alice"].messages == []


@pytest.mark.parametrize("protocol", [PROTOCOLS[0]], ids=["mqtt5"], indirect=True)
@pytest.mark.parametrize(
    "topic", [down("alice", "history"), down("bob", "/" * 10), down("bob", "x" * 60_000)]
)
def test_history_is_not_answered_elsewhere(people: dict[str, Client], topic: str) -> None:
    people["bob"].publish(up("bob", "alice", "history"), b"", ResponseTopic=topic)

    assert people["bob"].wait_for("error")["reason"] == "refused"
    assert people["alice"].messages == []


def test_who_is_blocked_is_refused(shared_bridge: Installation, people: dict[str, Client]) -> None:
    people["alice"].publish(TO_BOB, {"id": "before", "text": "hello"})
    people["bob"].wait_for("message")
    [(alice,)] = shared_bridge.rows("SELECT id FROM account WHERE name = 'alice'")
    [(bob,)] = shared_bridge.rows("SELECT id FROM account WHERE name = 'bob'")
    with shared_bridge.database.writing() as session:
        session.add(Block(account_id=bob, blocked_id=alice, created_at=now()))

    people["alice"].publish(TO_BOB, {"id": "after", "text": "are you there?"})
    people["alice"].publish(up("alice", "bob", "typing"), b"")

    error = people["alice"].wait_for("error")
    assert (error["id"], error["reason"]) == ("after", "refused")
    people["bob"].publish(TO_ALICE, "I still can")
    people["alice"].wait_for("message", lambda message: message["text"] == "I still can")
    settle(people)
    assert len(people["bob"].received("message")) == 2
    assert people["bob"].received("typing") == []


LONG = "x" * 4001
TABLE = [
    ("bob/send", b"", "send", "bob", "malformed", None),
    ("bob/send", b"\xff\xfe\x00", "send", "bob", "malformed", None),
    ("bob/send", b"\x00", "send", "bob", "malformed", None),
    ("bob/send", b'{"id": "a", "text"', "send", "bob", "malformed", None),
    ("bob/send", b'{"id": "a"}', "send", "bob", "malformed", "a"),
    ("bob/send", b'{"id": "a", "text": {}}', "send", "bob", "malformed", "a"),
    ("bob/send", b'{"id": 1, "text": "x"}', "send", "bob", "malformed", None),
    ("bob/send", b'{"a":' * 20_000, "send", "bob", "malformed", None),
    ("bob/send", LONG.encode(), "send", "bob", "too-long", None),
    ("bob/send", f'{{"id": "a", "text": "{LONG}"}}'.encode(), "send", "bob", "too-long", "a"),
    ("bob/send", b"x" * 250_000, "send", "bob", "too-long", None),
    ("zed/send", b'{"id": "a", "text": "x"}', "send", "zed", "unknown-recipient", "a"),
    ("Bob/send", b"x", "send", "Bob", "unknown-recipient", None),
    ("b/send", b"x", "send", "b", "unknown-recipient", None),
    ("bob%20/send", b"x", "send", "bob%20", "unknown-recipient", None),
    ("alice/send", b'{"id": "a", "text": "x"}', "send", "alice", "refused", "a"),
    ("-/send", b"x", "send", "-", "malformed", None),
    ("bob/shout", b"x", "shout", "bob", "malformed", None),
    ("bob", b"x", "", "bob", "malformed", None),
    ("bob/send/twice", b"x", "", "bob", "malformed", None),
    ("bob/read", b"", "read", "bob", "malformed", None),
    ("bob/read", b'{"seq": "1"}', "read", "bob", "malformed", None),
    ("bob/read", b'{"seq": -1}', "read", "bob", "malformed", None),
    ("bob/read", b'{"seq": 1e3}', "read", "bob", "malformed", None),
    ("bob/delivered", b'{"seq": 99999999999999999999}', "delivered", "bob", "malformed", None),
    ("bob/delivered", b'{"seq": 1000}', "delivered", "bob", "malformed", None),
    ("zed/read", b'{"seq": 1}', "read", "zed", "unknown-recipient", None),
    ("bob/typing", b"hello", "typing", "bob", "malformed", None),
    ("zed/typing", b"", "typing", "zed", "unknown-recipient", None),
    ("-/presence", b"online", "presence", "-", "malformed", None),
    ("-/presence", b'{"online": true}', "presence", "-", "malformed", None),
    ("bob/presence", b'{"online": true, "connection": "c"}', "presence", "bob", "malformed", None),
    ("bob/history", b'{"limit": 201}', "history", "bob", "malformed", None),
    ("bob/history", b'{"limit": 0}', "history", "bob", "malformed", None),
    (
        "bob/history",
        b'{"before": 1, "after": 1, "request": "q"}',
        "history",
        "bob",
        "malformed",
        "q",
    ),
    ("bob/history", b"\xff", "history", "bob", "malformed", None),
    ("zed/history", b'{"request": "q"}', "history", "zed", "unknown-recipient", "q"),
    (
        "bob/send",
        b'{"id": "a", "text": "x", "sent_at": "9999-12-31T23:59:59-23:59"}',
        "send",
        "bob",
        "malformed",
        "a",
    ),
    # What an error repeats of the topic is cut short, or no broker would take it.
    ("\\" * 65_000 + "/send", b"x", "send", "\\" * 63 + "…", "unknown-recipient", None),
    ("bob/" + "\\" * 65_000, b"x", "\\" * 31 + "…", "bob", "malformed", None),
]


@pytest.mark.parametrize(
    ("topic", "payload", "verb", "to", "reason", "id"),
    TABLE,
    ids=[f"{number}-{row[0][:20]}" for number, row in enumerate(TABLE)],
)
def test_bad_input_is_answered_and_stops_nothing(
    people: dict[str, Client],
    topic: str,
    payload: bytes,
    verb: str,
    to: str,
    reason: str,
    id: str | None,
) -> None:
    prefix = up("alice", "", "").removesuffix("//") + "/"
    people["alice"].publish(prefix + topic, payload)
    people["alice"].publish(TO_BOB, "and life goes on")

    error = people["alice"].wait_for("error")
    assert list(error) == ["id", "verb", "to", "reason", "detail"]
    assert (error["verb"], error["to"], error["reason"], error["id"]) == (verb, to, reason, id)
    assert error["detail"].endswith((".", "…"))
    assert people["bob"].wait_for("message")["text"] == "and life goes on"
    assert len(people["bob"].received("message")) == 1
