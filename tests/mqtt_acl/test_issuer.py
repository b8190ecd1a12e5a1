"""Telling the real broker who may do what, while it runs: issue, revoke, restore."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from chat.errors import BrokerUnreachable
from chat.topics import down, down_filter, up, up_account_filter, up_filter
from chat.user_names import ADMIN, bridge_user_name
from mqtt_acl.dynamic_security import Json, account_role, change, create, device_client
from mqtt_acl.issuer import Credentials
from mqtt_acl.mosquitto import DynamicSecurityIssuer
from tests.mqtt import Client
from tests.running import Installation, free_ports, wait_until

BOBS_MAIL = down_filter("bob")


@pytest.fixture
def broker(shared_broker: Installation) -> Installation:
    """A broker whose state a test may spoil, for it is restored."""
    return shared_broker


def tell(broker: Installation, *commands: Json) -> None:
    """Have the broker do what no issuer would."""
    assert [a for a in broker.issuer._ask(commands) if "error" in a] == []


def may_come_in(broker: Installation, device: Credentials) -> bool:
    client = Client(broker.settings, device).connect()
    client.close()
    return not client.connect_reason.is_failure


def may_hear(broker: Installation, device: Credentials, topic: str) -> bool:
    with Client(broker.settings, device) as client:
        return not client.subscribe(topic).is_failure


def test_a_credential_that_is_issued_twice_is_good(shared_broker: Installation) -> None:
    device = shared_broker.new_device("alice")

    shared_broker.issuer.issue(device)

    assert may_hear(shared_broker, device, down_filter("alice"))


def test_mosquitto_grants_narrower_filters_of_ones_own(shared_broker: Installation) -> None:
    device = shared_broker.new_device("alice")

    assert may_hear(shared_broker, device, down("alice", "message"))
    assert may_hear(shared_broker, device, "chat/v1/down/alice/+")
    assert not may_hear(shared_broker, device, down("bob", "message"))


def test_a_device_that_is_revoked_twice_stays_out(shared_broker: Installation) -> None:
    device = shared_broker.new_device("alice")

    shared_broker.issuer.revoke(device.user_name)
    shared_broker.issuer.revoke(device.user_name)

    assert not may_come_in(shared_broker, device)


def test_the_issuer_tells_whom_the_broker_knows(shared_broker: Installation) -> None:
    device = shared_broker.new_device("alice")
    assert shared_broker.issuer.knows(device.user_name)

    shared_broker.issuer.revoke(device.user_name)

    assert not shared_broker.issuer.knows(device.user_name)


def test_revoking_one_device_leaves_the_others_connected(shared_broker: Installation) -> None:
    lost, kept = shared_broker.new_device("alice"), shared_broker.new_device("alice")
    with Client(shared_broker.settings, lost) as gone, Client(shared_broker.settings, kept) as here:
        shared_broker.issuer.revoke(lost.user_name)

        wait_until("the cut", lambda: gone.disconnect_reason is not None)
        assert not here.subscribe(down_filter("alice")).is_failure


def leave_session(broker: Installation, device: Credentials) -> None:
    """The device goes away, and a message waits for it."""
    with Client(broker.settings, device, clean=False) as away:
        away.subscribe(down_filter("alice"))
    bridge = Credentials("-", bridge_user_name(0), broker.secrets.bridge_password)
    with Client(broker.settings, bridge, clean=False) as deliverer:
        assert not deliverer.publish(down("alice", "message"), "for who is away").is_failure


def has_session(broker: Installation, device: Credentials) -> bool:
    """Whether the broker keeps the device's session; it does not by then."""
    admin = Credentials("-", ADMIN, broker.secrets.admin_password)
    client = Client(broker.settings, admin, client_id=device.user_name, clean=False).connect()
    client.close()
    assert not client.connect_reason.is_failure
    return client.session_present is True


def test_what_waits_for_a_revoked_device_is_dropped(shared_broker: Installation) -> None:
    lost, kept = shared_broker.new_device("alice"), shared_broker.new_device("alice")
    leave_session(shared_broker, lost)
    leave_session(shared_broker, kept)

    shared_broker.issuer.revoke(lost.user_name)

    assert not has_session(shared_broker, lost)
    assert has_session(shared_broker, kept)


def test_many_threads_share_one_issuer(shared_broker: Installation) -> None:
    devices = [Credentials("bob", f"bob.thread{n}", f"password {n}") for n in range(16)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(shared_broker.issuer.issue, devices))

    assert all(may_come_in(shared_broker, device) for device in devices)


def test_a_broker_that_is_away_is_said_to_be(broker: Installation) -> None:
    [nobody_listens] = free_ports(1)
    elsewhere = replace(broker.settings, mqtt_port=nobody_listens)
    issuer = DynamicSecurityIssuer(elsewhere, broker.secrets)

    with pytest.raises(BrokerUnreachable, match="cannot be reached"):
        issuer.check()

    issuer.close()


def test_a_wrong_admin_password_is_said_to_be_refused(broker: Installation) -> None:
    issuer = DynamicSecurityIssuer(broker.settings, replace(broker.secrets, admin_password="wrong"))

    with pytest.raises(BrokerUnreachable, match="refuses the admin"):
        issuer.check()

    issuer.close()


def test_the_issuer_finds_back_to_a_broker_that_was_restarted(
    installation: Installation,
) -> None:
    broker = installation
    broker.register("alice")
    broker.start("broker")
    broker.issuer.check()
    broker.kill("broker")
    with pytest.raises(BrokerUnreachable):
        broker.issuer.check()

    broker.start("broker")

    def answers() -> bool:
        try:
            broker.issuer.check()
        except BrokerUnreachable:
            return False
        return True

    wait_until("the broker's answer", answers)
    assert may_come_in(broker, broker.new_device("alice"))


def test_restore_lets_a_missing_device_in(broker: Installation) -> None:
    broker.register("dave")
    device = broker.new_device("dave")
    tell(
        broker,
        {"command": "deleteClient", "username": device.user_name},
        {"command": "deleteRole", "rolename": "account.dave"},
    )
    assert not may_come_in(broker, device)

    broker.issuer.restore([device])

    assert may_hear(broker, device, down_filter("dave"))


def test_restore_shuts_a_strange_client_out(broker: Installation) -> None:
    device = broker.new_device("alice")
    strange = Credentials("carol", "carol.strange", "a password")
    everything = {"acltype": "subscribePattern", "topic": "#", "allow": True}
    tell(
        broker,
        create("Role", {"rolename": "account.carol", "acls": [everything]}),
        create("Client", device_client(strange)),
    )
    assert may_hear(broker, strange, "#")

    broker.issuer.restore([device])

    assert not may_come_in(broker, strange)
    assert may_come_in(broker, device)


def test_restore_takes_back_what_a_role_must_not_grant(broker: Installation) -> None:
    carol = broker.new_device("carol")
    grants = account_role("carol")["acls"]
    bobs = [
        {"acltype": "subscribePattern", "topic": BOBS_MAIL, "allow": True},
        {"acltype": "publishClientSend", "topic": up_account_filter("bob"), "allow": True},
    ]
    tell(broker, change("Role", {"rolename": "account.carol", "acls": grants + bobs}))
    assert may_hear(broker, carol, BOBS_MAIL)

    broker.issuer.restore([carol])

    assert not may_hear(broker, carol, BOBS_MAIL)
    assert may_hear(broker, carol, down_filter("carol"))
    with Client(broker.settings, carol) as client:
        assert client.publish(up("bob", "alice", "send"), "forged").is_failure


def test_restore_gives_a_device_its_own_role_back(broker: Installation) -> None:
    carol, bob = broker.new_device("carol"), broker.new_device("bob")
    of_bob = {"roles": [{"rolename": "account.bob", "priority": 0}]}
    tell(broker, change("Client", {"username": carol.user_name, **of_bob}))
    assert may_hear(broker, carol, BOBS_MAIL)

    broker.issuer.restore([carol, bob])

    assert not may_hear(broker, carol, BOBS_MAIL)
    assert may_hear(broker, carol, down_filter("carol"))


def test_restore_gives_a_device_its_password_and_client_id_back(broker: Installation) -> None:
    alice = broker.new_device("alice")
    spoilt = {"username": alice.user_name, "clientid": "another", "password": "another"}
    tell(broker, change("Client", spoilt))
    assert not may_come_in(broker, alice)

    broker.issuer.restore([alice])

    assert may_come_in(broker, alice)


def test_restore_ends_what_a_group_grants(broker: Installation) -> None:
    alice = broker.new_device("alice")
    everything = {"acltype": "subscribePattern", "topic": "#", "allow": True}
    tell(
        broker,
        create("Role", {"rolename": "everything", "acls": [everything]}),
        create("Group", {"groupname": "insiders", "roles": [{"rolename": "everything"}]}),
        {"command": "addGroupClient", "groupname": "insiders", "username": alice.user_name},
    )
    assert may_hear(broker, alice, "#")

    broker.issuer.restore([alice])

    assert not may_hear(broker, alice, "#")
    assert may_hear(broker, alice, down_filter("alice"))


def test_restore_refuses_again_what_no_role_grants(broker: Installation) -> None:
    alice = broker.new_device("alice")
    open_doors = [{"acltype": "subscribe", "allow": True}]
    tell(broker, {"command": "setDefaultACLAccess", "acls": open_doors})
    assert may_hear(broker, alice, "#")

    broker.issuer.restore([alice])

    assert not may_hear(broker, alice, "#")


def test_restore_leaves_the_bridge_its_way_in(broker: Installation) -> None:
    tell(broker, {"command": "deleteClient", "username": "_bridge.7"})

    broker.issuer.restore([])

    bridge = Credentials("", "_bridge.7", broker.secrets.bridge_password)
    assert may_hear(broker, bridge, up_filter(7))
