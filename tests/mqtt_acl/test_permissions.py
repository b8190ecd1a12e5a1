"""What a device may do at the real broker, and beside each permission its refusal."""

import pytest

from chat.topics import down, down_filter, up, up_filter
from mqtt_acl.issuer import Credentials
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


def test_a_device_publishes_as_its_account(any_broker: Installation, protocol: int) -> None:
    text = f"as myself, {protocol}"
    with client(any_broker, "alice", protocol) as alice:
        assert not alice.publish(TO_BOB, text).is_failure

        wait_until("the archive", lambda: archived_copies(any_broker, text) == 1)


def test_a_device_hears_what_is_meant_for_its_account(
    any_broker: Installation, protocol: int
) -> None:
    with (
        client(any_broker, "bob", protocol) as bob,
        client(any_broker, "alice", protocol) as alice,
    ):
        assert not bob.subscribe(down_filter("bob")).is_failure
        alice.publish(TO_BOB, f"hello, {protocol}")

        assert bob.wait_for("message")["text"] == f"hello, {protocol}"


def test_nobody_speaks_as_someone_else(any_broker: Installation, protocol: int) -> None:
    text = f"forged, {protocol}"
    with client(any_broker, "carol", protocol) as carol:
        answer = carol.publish(TO_BOB, text)
        carol.publish(up("carol", "bob", "send"), f"after it, {protocol}")

        if protocol == MQTT_5:  # MQTT 3.1.1 has no way to say so: the message is dropped
            assert answer.value == 0x87
        wait_until("the next", lambda: archived_copies(any_broker, f"after it, {protocol}"))
        assert archived_copies(any_broker, text) == 0


def test_a_device_changes_texts_as_its_account_and_nobody_does_so_as_someone_else(
    any_broker: Installation, protocol: int
) -> None:
    mark = f"changed, {protocol}"
    what: dict[str, dict[str, object]] = {
        "edit": {"text": mark},
        "react": {"reaction": "👍"},
        "unsend": {},
    }
    with (
        client(any_broker, "alice", protocol) as alice,
        client(any_broker, "carol", protocol) as carol,
    ):
        alice.subscribe(down_filter("alice"))
        alice.publish(TO_BOB, {"id": mark, "text": "to be changed"})
        seq = alice.wait_for("message", lambda message: message["id"] == mark)["seq"]
        for verb, fields in what.items():
            forged = {"id": f"forged {verb}, {protocol}", "seq": seq} | fields
            answer = carol.publish(up("alice", "bob", verb), forged)
            if protocol == MQTT_5:
                assert answer.value == 0x87
            rightful = {"id": f"{verb}, {protocol}", "seq": seq} | fields
            assert not alice.publish(up("alice", "bob", verb), rightful).is_failure

        told = alice.wait_for("message", lambda message: message["id"] == f"unsend, {protocol}")

    assert (told["from"], told["target"]) == ("alice", seq)
    ids = any_broker.rows("SELECT client_id FROM message WHERE target_seq = :seq", seq=seq)
    assert {id for (id,) in ids if "forged" in str(id)} == set()


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
        # To RabbitMQ a dot is a slash, and a star in a filter is a plus.
        "chat.v1.down.bob.message",
        "chat.v1.up.0.bob.alice.send",
        "chat/v1/up/*/bob/alice/send",
    ],
)
def test_a_device_publishes_nowhere_else(
    any_broker: Installation, protocol: int, topic: str
) -> None:
    with (
        client(any_broker, "alice", protocol) as alice,
        client(any_broker, "bob", protocol) as bob,
        client(any_broker, "alice", protocol) as other,
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
        "chat.v1.down.bob/#",
        "chat/v1/down/*/#",
        "chat/v1/down/*/message",
        "*/*/*/*/*",
    ],
)
def test_nobody_hears_what_is_not_meant_for_him(
    any_broker: Installation, protocol: int, topic: str
) -> None:
    with client(any_broker, "alice", protocol) as alice:
        assert alice.subscribe(topic).is_failure


def test_a_last_will_on_anothers_topic_is_not_sent(any_broker: Installation, protocol: int) -> None:
    text = f"a forged will, {protocol}"
    carol = client(any_broker, "carol", protocol, will=(TO_BOB, text.encode())).connect()
    own_text = f"my own will, {protocol}"
    own_will = (up("alice", "bob", "send"), own_text.encode())
    alice = client(any_broker, "alice", protocol, will=own_will)

    carol.drop()
    if not alice.connect().connect_reason.is_failure:
        alice.drop()

    wait_until("the rightful will", lambda: archived_copies(any_broker, own_text) == 1)
    assert archived_copies(any_broker, text) == 0


def test_a_delayed_will_on_anothers_topic_is_not_sent(
    any_broker: Installation, protocol: int
) -> None:
    if protocol != MQTT_5:
        return  # which has no such will
    text, own_text = "a forged and delayed will", "my own delayed will"
    carol, alice = (
        client(any_broker, name, protocol, will=will, will_delay_seconds=1, clean=False)
        for name, will in (("carol", (TO_BOB, text)), ("alice", (TO_BOB, own_text)))
    )

    for each in (carol, alice):
        if not each.connect().connect_reason.is_failure:
            each.drop()

    wait_until("the rightful will", lambda: archived_copies(any_broker, own_text) == 1)
    assert archived_copies(any_broker, text) == 0


def test_another_devices_client_id_is_refused(any_broker: Installation, protocol: int) -> None:
    with client(any_broker, "alice", protocol, clean=False) as alice:
        alice_device = alice._client._client_id.decode()
        alice.subscribe(down_filter("alice"))
        thief = client(any_broker, "carol", protocol, client_id=alice_device, clean=False)

        assert thief.connect().connect_reason.is_failure
        assert alice.disconnect_reason is None
        thief.close()


def test_whoever_does_not_say_truly_who_he_is_stays_out(
    any_broker: Installation, protocol: int
) -> None:
    """All at once, since RabbitMQ lets each wait for 3 s."""
    strange = Credentials("carol", "carol.strange", "a password")
    everyone = {
        "a right password": client(any_broker, "alice", protocol),
        "a wrong password": client(any_broker, "alice", protocol, password="wrong"),
        "no credential": Client(any_broker.settings, None, protocol=protocol),
        "an unknown device": Client(any_broker.settings, strange, protocol=protocol),
        "the bridge's client id": client(
            any_broker, "carol", protocol, client_id="_bridge.7", clean=False
        ),
        "a wrong password by a browser's way": client(
            any_broker, "carol", protocol, websocket=True, password="wrong"
        ),
    }

    for each in everyone.values():
        each.begin()

    wait_until("all answers", lambda: all(each.connect_reason for each in everyone.values()))
    let_in = [who for who, each in everyone.items() if not each.connect_reason.is_failure]
    assert let_in == ["a right password"]
    for each in everyone.values():
        each.close()


def test_a_revoked_device_is_cut_off_within_one_second_and_stays_out(
    any_broker: Installation, protocol: int
) -> None:
    device = any_broker.new_device("alice")
    with Client(any_broker.settings, device, protocol=protocol) as alice:
        alice.subscribe(down_filter("alice"))

        any_broker.revoke(device)

        wait_until("the cut", lambda: alice.disconnect_reason is not None, seconds=1.0)
    again = Client(any_broker.settings, device, protocol=protocol)
    assert again.connect().connect_reason.is_failure
    again.close()


def test_a_browsers_way_in_has_the_same_rules(any_broker: Installation, protocol: int) -> None:
    with client(any_broker, "alice", protocol, websocket=True) as alice:
        assert not alice.subscribe(down_filter("alice")).is_failure
        assert alice.subscribe(down_filter("bob")).is_failure
