"""`./katydid explain`: what happened to a message, and why it did not, read from SQL; never what
people wrote, unless that is asked for."""

import json

import pytest

from chat.accounts import account_named
from chat.blocks import block
from chat.errors import KatydidError
from chat.models import Notification, PushSubscription
from chat.times import now
from chat.topics import down_filter, shard_of, up
from cli.explain import explain
from tests.bridge.test_refusals import take_from_bridge
from tests.mqtt import Client
from tests.people import add_accounts, add_conversation, add_thing
from tests.running import Installation, wait_until
from tests.web.site import execute

SECRET = "Nobody else reads this"


@pytest.fixture(scope="module")
def talked(shared_bridge: Installation) -> Installation:
    """Alice wrote to Bob, who received two of three; then she edited one, and he reacted."""
    installation = shared_bridge
    alice_device, bob_device = (installation.new_device(name) for name in ("alice", "bob"))
    settings = installation.settings
    with Client(settings, alice_device) as alice, Client(settings, bob_device) as bob:
        alice.subscribe(down_filter("alice"))
        at = "2026-11-23T20:37:15.123Z"
        for id in ("first", "second", "third"):
            payload = {"id": id, "text": SECRET, "sent_at": at}
            alice.publish(up("alice", "bob", "send"), payload)
        alice.wait_for("message", lambda message: message["id"] == "third")
        bob.publish(up("bob", "alice", "read"), {"seq": 1})
        bob.publish(up("bob", "alice", "delivered"), {"seq": 2})
        bob.publish(up("bob", "alice", "react"), {"id": "r", "seq": 2, "reaction": "👍"})
        alice.wait_for("message", lambda message: message["id"] == "r")
        alice.publish(up("alice", "bob", "edit"), {"id": "e", "seq": 2, "text": SECRET + "!"})
        alice.wait_for("message", lambda message: message["id"] == "e")
    return installation


def told(installation: Installation, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What it prints."""
    assert explain(installation.environ, list(words)) == 0
    return capsys.readouterr().out


def test_a_message_is_explained_from_its_sending_to_its_reading(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    [(worker, number)] = talked.rows(
        f"SELECT worker, number FROM shard WHERE shard = {shard_of('alice')}"
    )

    said = told(talked, capsys, "alice/bob/2")

    for words in (
        "Message 2 of conversation 1 of alice and bob, with the id second",
        "2026-11-23T20:37:15.123Z  sent by alice to shard 7, as its clock says",
        f"received by the bridge {worker}, which held lease {number} of shard 7 from 20",
        f"archived: a text of {len(SECRET)} characters",
        "bob has received it, and not read it yet (its cursors: delivered 2, read 1)",
        "no notification: no browser of bob has asked for any",
        "reacted to by bob, with message 4",
        "edited by alice, with message 5",
    ):
        assert words in said
    assert "read this" not in said
    assert "👍" not in said


def test_what_was_written_is_told_only_when_asked_for(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f'"{SECRET}"' in told(talked, capsys, "alice/bob/2", "--text")
    assert SECRET not in told(talked, capsys, "alice/bob")


@pytest.mark.parametrize("words", ["second", "1/2", "alice/bob/2", "bob/alice/2"])
def test_a_message_is_found_by_all_its_names(
    talked: Installation, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert "Message 2 of conversation 1" in told(talked, capsys, words)


@pytest.mark.parametrize("words", ["1", "alice/bob", "bob/alice"])
def test_a_conversation_is_found_by_all_its_names_and_told_whole(
    talked: Installation, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    said = told(talked, capsys, words)

    assert "Conversation 1 of alice and bob" in said
    assert "its numbers are whole: 5 messages, 1 to 5" in said
    assert "bob has received up to 2, read up to 1, and has 1 device" in said


def test_it_is_told_as_json_too(talked: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    [message] = json.loads(told(talked, capsys, "second", "--json"))

    assert message["about"].startswith("Message 2")
    assert {
        "at": "2026-11-23T20:37:15.123Z",
        "says": "sent by alice to shard 7, as its clock says",
    } in message["lines"]


@pytest.mark.parametrize(
    "words", [["nothing-called-so"], ["alice/zed"], ["9/1"], [], ["a", "b"], ["\udcff"]]
)
def test_what_is_not_there_is_one_sentence(talked: Installation, words: list[str]) -> None:
    with pytest.raises(KatydidError, match=r"^[A-Z][^\n]+\.$"):
        explain(talked.environ, words)


# Why not.


def test_who_did_not_receive_it_is_told_with_why(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(talked, capsys, "third")

    assert "bob has not said that it received it (its cursors: delivered 2, read 1)" in said
    assert "perhaps because bob is not online, and never was" in said


def test_what_was_never_archived_is_told_with_why(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(talked, capsys, "alice/carol")
    assert "alice and carol have no conversation" in said
    assert "what carol writes to alice does not get into the broker: carol has no device" in said
    assert "There is no message 99; the newest is 5." in told(talked, capsys, "alice/bob/99")


def test_a_block_is_told_with_its_time(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    with talked.database.reading() as session:
        carol = account_named(session, "carol")
        assert carol is not None
    block(talked.database, carol, "alice", now())

    said = told(talked, capsys, "alice/carol")

    assert "what alice writes to carol is refused: carol has blocked alice since 20" in said
    assert "what carol writes to alice is refused" not in said


def test_who_may_not_talk_with_a_thing_is_told_whom_to_ask(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    add_thing(talked.database, "alice", "lamp", "bob")

    said = told(talked, capsys, "carol/lamp")

    refused = "is refused: lamp is a thing of alice, who does not allow carol"
    assert f"what carol writes to lamp {refused}" in said
    assert f"what lamp writes to carol {refused}" in said
    assert "refused" not in told(talked, capsys, "bob/lamp")
    assert "refused" not in told(talked, capsys, "alice/lamp")


def test_what_a_sender_wrote_does_nothing_to_the_terminal(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    id = "\x1b]0;title\x07\x9b2J"
    with Client(talked.settings, talked.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        alice.publish(up("alice", "bob", "send"), {"id": id, "text": f"{id}Grüße"})
        alice.wait_for("message", lambda message: message["id"] == id)

    said = told(talked, capsys, id, "--text")
    as_json = told(talked, capsys, id, "--text", "--json")

    assert r"with the id \x1b]0;title\x07\x9b2J" in said
    assert "Grüße" in said
    assert all(each.isprintable() or each == "\n" for each in said + as_json)
    assert id in json.loads(as_json)[0]["about"]


def test_an_account_that_was_deleted_is_told(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    talked.register("dave")
    execute(talked, "UPDATE account SET deleted_at = 0 WHERE name = 'dave'")

    said = told(talked, capsys, "alice/dave")

    assert "is refused: dave was deleted, and is nobody since 1970" in said


def test_what_is_due_to_a_browser_is_told(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    bob_device = talked.new_device("bob").user_name.partition(".")[2]
    with talked.database.writing() as session:
        bob = account_named(session, "bob")
        assert bob is not None
        at = now()
        asked = {"endpoint": "https://push.example", "p256dh": "key", "auth": "secret"}
        session.add(
            PushSubscription(device_id=bob_device, account_id=bob.id, created_at=at, **asked)
        )
        session.add(
            Notification(conversation_id=1, account_id=bob.id, due_at=at, told_seq=2, failures=3)
        )

    assert "bob was notified, of all up to message 2" in told(talked, capsys, "1/2")
    due = told(talked, capsys, "1/3")
    assert "a notification to bob is due since 20" in due
    assert "3 tries failed" in due


# These change what the others have; so they come last.


def test_a_copy_that_the_broker_refused_is_told(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    take_from_bridge(talked, shard=shard_of("alice"))
    with Client(talked.settings, talked.new_device("alice")) as alice:
        alice.publish(up("alice", "bob", "send"), {"id": "refused", "text": "?"})
        count = "SELECT count(*) FROM refused_copy"
        wait_until("two refused copies", lambda: talked.rows(count) == [(2,)])

    said = told(talked, capsys, "refused")

    assert "the broker refused bob's copy, with reason code 0x87" in said
    assert "the broker refused alice's copy, with reason code 0x87" in said


def test_a_shard_without_a_bridge_is_told_with_who_had_it_last(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    talked.kill("bridge", 15)
    execute(talked, "UPDATE shard SET served_at = 0")

    said = told(talked, capsys, "alice/bob")

    assert "what alice writes to bob waits at the broker: no bridge serves shard 7 now" in said
    assert "the last was " in said
    assert ", until 20" in said


def test_what_is_no_longer_kept_is_told(
    talked: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    erin, frank = add_accounts(talked.database, "erin", "frank")
    conversation = add_conversation(talked.database, erin, frank, "one", "two", "three")
    gone = "DELETE FROM message WHERE conversation_id = :id AND seq <= :seq"
    execute(talked, gone, id=conversation, seq=2)

    said = told(talked, capsys, "erin/frank")
    assert "older messages, 1 to 2, were deleted by their age" in said
    assert "its numbers are whole: 1 messages, 3 to 3" in said
    assert "Message 2 is not kept any more: it was deleted by its age." in told(
        talked, capsys, "erin/frank/2"
    )
    assert "There is no message 4; the newest is 3." in told(talked, capsys, "erin/frank/4")

    execute(talked, gone, id=conversation, seq=3)
    assert "of its 3 messages, none is kept any more" in told(talked, capsys, "erin/frank")
