"""A copy that the broker does not take: counted, noted, and no reason to stop."""

import pytest

from chat.topics import all_down_filter, down_filter, shard_digit, shard_of, up
from tests.mqtt import Client
from tests.running import Installation, wait_until

pytestmark = pytest.mark.both_databases


def take_from_bridge(installation: Installation, *, shard: int) -> None:
    """The broker lets the bridge of that shard publish nothing any more."""
    taken = {
        "command": "removeRoleACL",
        "rolename": f"bridge.{shard_digit(shard)}",
        "acltype": "publishClientSend",
        "topic": all_down_filter(),
    }
    [answer] = installation.issuer._ask([taken])
    assert "error" not in answer


@pytest.fixture(scope="module")
def refused(shared_bridge: Installation) -> Installation:
    """Of what Alice sends, the bridge delivers nothing."""
    take_from_bridge(shared_bridge, shard=shard_of("alice"))
    return shared_bridge


def test_refused_copies_are_noted_with_account_and_reason(refused: Installation) -> None:
    def noted() -> list[tuple[object, ...]]:
        return refused.rows(
            "SELECT seq, account.name, reason FROM refused_copy"
            " JOIN account ON account.id = account_id ORDER BY seq, account.name"
        )

    with Client(refused.settings, refused.new_device("alice")) as alice:
        alice.subscribe(down_filter("alice"))
        for id in ("one", "two", "one"):
            alice.publish(up("alice", "bob", "send"), {"id": id, "text": "hello"})
        wait_until("four refused copies", lambda: len(noted()) == 4)

    assert noted() == [(seq, name, 0x87) for seq in (1, 2) for name in ("alice", "bob")]


def test_refused_answers_that_are_no_messages_stop_nothing(refused: Installation) -> None:
    with Client(refused.settings, refused.new_device("alice")) as alice:
        topic = "chat/v1/down/alice/message"
        alice.publish(up("alice", "bob", "history"), {}, ResponseTopic=topic)
        alice.publish(up("alice", "bob", "send"), "after it")

        wait_until(
            "the text to be archived",
            lambda: refused.rows("SELECT seq FROM message WHERE body = 'after it'"),
        )
    assert "a batch cannot be stored" not in refused.log("bridge")
