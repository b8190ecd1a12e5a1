"""What waits for a device that is away is that device's alone."""

import pytest

from chat.topics import down_filter, up
from tests.mqtt import PROTOCOLS, Client
from tests.running import Installation, wait_until


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=["mqtt5", "mqtt311"])
def test_nobody_else_opens_a_devices_queue(any_broker: Installation, protocol: int) -> None:
    text = f"for Alice alone, {protocol}"
    alice, carol, bob = (any_broker.new_device(name) for name in ("alice", "carol", "bob"))
    with Client(any_broker.settings, alice, protocol=protocol, clean=False) as away:
        away.subscribe(down_filter("alice"))
    with Client(any_broker.settings, bob, protocol=protocol) as sender:
        sender.subscribe(down_filter("bob"))
        sender.publish(up("bob", "alice", "send"), text)
        sender.wait_for("message", lambda message: message["text"] == text)

    thief = Client(
        any_broker.settings, carol, protocol=protocol, client_id=alice.user_name, clean=False
    ).connect()
    thief.close()

    assert thief.connect_reason.is_failure
    assert thief.messages == []
    with Client(any_broker.settings, alice, protocol=protocol, clean=False) as back:
        back.wait_for("message", lambda message: message["text"] == text)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=["mqtt5", "mqtt311"])
def test_a_revoked_device_receives_nothing(any_broker: Installation, protocol: int) -> None:
    text = f"after the end, {protocol}"
    lost, alice, bob = (any_broker.new_device(name) for name in ("alice", "alice", "bob"))
    with (
        Client(any_broker.settings, lost, protocol=protocol, clean=False) as gone,
        Client(any_broker.settings, alice, protocol=protocol) as here,
        Client(any_broker.settings, bob, protocol=protocol) as sender,
    ):
        gone.subscribe(down_filter("alice"))
        here.subscribe(down_filter("alice"))
        any_broker.revoke(lost)
        wait_until("the cut", lambda: gone.disconnect_reason is not None)

        sender.publish(up("bob", "alice", "send"), text)

        here.wait_for("message", lambda message: message["text"] == text)
        assert [m for m in gone.received("message") if m["text"] == text] == []
