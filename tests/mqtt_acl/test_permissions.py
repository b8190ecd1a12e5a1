"""What a device may do at the real broker, and beside each permission its refusal."""

import pytest

from chat.topics import down, down_filter, up, up_filter
from tests.mqtt import MQTT_5, PROTOCOLS, Client
from tests.running import Installation, wait_until

pytestmark = pytest.mark.parametrize("protocol", PROTOCOLS, ids=["mqtt5", "mqtt311"])
TO_BOB = up("alice", "bob", "send")


def client(broker: Installation, account: str, protocol: int, **options: object) -> Client:
    device = broker.new_device(account)
    return Client(broker.settings, device, protocol=protocol, **options)  # type: ignore[arg-type]


def archived_copies(broker: Installation, text: str) -> int:
    """How often the bridge, which hears all accounts, has stored the text."""
    [(count,)] = broker.rows("SELECT count(*) FROM message WHERE body = :text", text=text)
    assert isinstance(count, int)
    return count


def test_a_device_publishes_as_its_account(shared_bridge: Installation, protocol: int) -> None:
    text = f"as myself, {protocol}"
    with client(shared_bridge, "alice", protocol) as alice:
        assert not alice.publish(TO_BOB, text).is_failure

        wait_until("the archive", lambda: archived_copies(shared_bridge, text) == 1)


def test_a_device_hears_what_is_meant_for_its_account(
    shared_bridge: Installation, protocol: int
) -> None:
    with (
        client(shared_bridge, "bob", protocol) as bob,
        client(shared_bridge, "alice", protocol) as alice,
    ):
        assert not bob.subscribe(down_filter("bob")).is_failure
        alice.publish(TO_BOB, f"hello, {protocol}")

        assert bob.wait_for("message")["text"] == f"hello, {protocol}"


def test_nobody_speaks_as_someone_else(shared_bridge: Installation, protocol: int) -> None:
    text = f"forged, {protocol}"
    with client(shared_bridge, "carol", protocol) as carol:
        answer = carol.publish(TO_BOB, text)
        carol.publish(up("carol", "bob", "send"), f"after it, {protocol}")

        if protocol == MQTT_5:  # MQTT 3.1.1 has no way to say so: the message is dropped
            assert answer.value == 0x87
        wait_until("the next", lambda: archived_copies(shared_bridge, f"after it, {protocol}"))
        assert archived_copies(shared_bridge, text) == 0


@pytest.mark.parametrize(
    "topic",
    [
        down("bob", "message"),
        down("alice", "message"),
        "chat/v1/down",
        "chat/v1/up/7/alice",
        "chat/v1/up/0/alice/bob/send",
        "chat/v1/up/7/alice2/bob/send",
        "somewhere/else",
        "$SYS/broker/uptime",
        "$CONTROL/dynamic-security/v1",
    ],
)
def test_a_device_publishes_nowhere_else(
    shared_bridge: Installation, protocol: int, topic: str
) -> None:
    with (
        client(shared_bridge, "alice", protocol) as alice,
        client(shared_bridge, "bob", protocol) as bob,
        client(shared_bridge, "alice", protocol) as other,
    ):
        bob.subscribe(down_filter("bob"))
        other.subscribe(down_filter("alice"))
        answer = alice.publish(topic, '{"commands": [{"command": "listClients"}], "forged": 1}')
        alice.publish(TO_BOB, "and now a right one")

        if protocol == MQTT_5 and topic not in ("chat/v1/up/7/alice",):
            assert answer.is_failure
        bob.wait_for("message")
        assert [m for m in bob.messages + other.messages if b"forged" in m.payload] == []


@pytest.mark.parametrize(
    "topic",
    [
        down_filter("bob"),
        down("bob", "message"),
        "chat/v1/down/+/message",
        "chat/v1/down/#",
        "chat/v1/#",
        "#",
        "+/#",
        "+/+/+/+/+",
        up_filter(7),
        "chat/v1/up/7/alice/#",
        "$SYS/#",
        "$CONTROL/#",
        "$CONTROL/dynamic-security/v1/response",
        "$share/group/chat/v1/up/#",
        "$share/group/chat/v1/up/7/#",
        "$share/group/chat/v1/down/bob/#",
        "$share/group/#",
    ],
)
def test_nobody_hears_what_is_not_meant_for_him(
    shared_bridge: Installation, protocol: int, topic: str
) -> None:
    with client(shared_bridge, "alice", protocol) as alice:
        assert alice.subscribe(topic).is_failure


def test_a_last_will_on_anothers_topic_is_not_sent(
    shared_bridge: Installation, protocol: int
) -> None:
    text = f"a forged will, {protocol}"
    carol = client(shared_bridge, "carol", protocol, will=(TO_BOB, text.encode())).connect()
    own_text = f"my own will, {protocol}"
    own_will = (up("alice", "bob", "send"), own_text.encode())
    alice = client(shared_bridge, "alice", protocol, will=own_will)

    carol.drop()
    if not alice.connect().connect_reason.is_failure:
        alice.drop()

    wait_until("the rightful will", lambda: archived_copies(shared_bridge, own_text) == 1)
    assert archived_copies(shared_bridge, text) == 0


def test_another_devices_client_id_is_refused(shared_bridge: Installation, protocol: int) -> None:
    with client(shared_bridge, "alice", protocol, clean=False) as alice:
        alice_device = alice._client._client_id.decode()
        alice.subscribe(down_filter("alice"))
        thief = client(shared_bridge, "carol", protocol, client_id=alice_device, clean=False)

        assert thief.connect().connect_reason.is_failure
        assert alice.disconnect_reason is None
        thief.close()


def test_the_bridges_client_id_is_refused(shared_bridge: Installation, protocol: int) -> None:
    thief = client(shared_bridge, "carol", protocol, client_id="_bridge.7", clean=False)

    assert thief.connect().connect_reason.is_failure
    thief.close()


def test_a_wrong_password_is_refused(shared_bridge: Installation, protocol: int) -> None:
    alice = client(shared_bridge, "alice", protocol, password="wrong")

    assert alice.connect().connect_reason.is_failure
    alice.close()


def test_nobody_comes_in_without_a_credential(shared_bridge: Installation, protocol: int) -> None:
    anonymous = Client(shared_bridge.settings, None, protocol=protocol)

    assert anonymous.connect().connect_reason.is_failure
    anonymous.close()


def test_a_revoked_device_is_cut_off_within_one_second_and_stays_out(
    shared_bridge: Installation, protocol: int
) -> None:
    device = shared_bridge.new_device("alice")
    with Client(shared_bridge.settings, device, protocol=protocol) as alice:
        alice.subscribe(down_filter("alice"))

        shared_bridge.issuer.revoke(device.user_name)

        wait_until("the cut", lambda: alice.disconnect_reason is not None, seconds=1.0)
    again = Client(shared_bridge.settings, device, protocol=protocol)
    assert again.connect().connect_reason.is_failure
    again.close()


def test_a_browsers_way_in_has_the_same_rules(shared_bridge: Installation, protocol: int) -> None:
    with client(shared_bridge, "alice", protocol, websocket=True) as alice:
        assert not alice.subscribe(down_filter("alice")).is_failure
        assert alice.subscribe(down_filter("bob")).is_failure
    carol = client(shared_bridge, "carol", protocol, websocket=True, password="wrong")
    assert carol.connect().connect_reason.is_failure
    carol.close()
