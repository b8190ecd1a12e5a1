"""The rules as RabbitMQ asks for them, as tables: beside each permission its refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.topics import VERBS, down_filter, up
from chat.user_names import account_and_device, bridge_user_name, shard_of_bridge
from mqtt_acl.http_auth import (
    MalformedQuestion,
    client_of_queue,
    grants_of,
    is_before_hearing_or_saying,
    is_bound_to_its_client_id,
    may_enter_vhost,
    may_use_resource,
    may_use_topic,
    queues_of,
    routing_key,
)

ALICE, BRIDGE = "alice.k3v9x2abcdef", "_bridge.7"
NOBODYS_NAMES = [
    *("", "alice", "alice.", ".k3v9x2abcdef", "Alice.k3v9x2abcdef", "alice.K3", "alice.a.b"),
    *("alice.k3v9x2abcdef\n", "alice/x.a", "alice*.a", "al+ice.a", "#.a", "alice.#", "*.*"),
    *("v:alice.k3v9x2abcdef", "_admin", "_bridge", "_bridge.", "_bridge.g", "_bridge.07", "guest"),
]


def about_resource(user_name: str = ALICE, **changed: str) -> dict[str, str]:
    """May Alice read from the exchange; or what is changed of that."""
    return {
        "username": user_name,
        "vhost": "/",
        "resource": "exchange",
        "name": "amq.topic",
        "permission": "read",
        "tags": "",
        "client_id": user_name,
    } | changed


def about_topic(
    permission: str, key: str, user_name: str = ALICE, **changed: str
) -> dict[str, str]:
    return {
        "username": user_name,
        "vhost": "/",
        "resource": "topic",
        "name": "amq.topic",
        "permission": permission,
        "tags": "",
        "routing_key": key,
        "variable_map.client_id": user_name,
        "variable_map.username": user_name,
        "variable_map.vhost": "/",
    } | changed


@pytest.mark.parametrize("name", [ALICE, BRIDGE])
def test_a_credential_is_good_for_its_own_client_id_alone(name: str) -> None:
    assert is_bound_to_its_client_id({"username": name, "client_id": name})
    assert not is_bound_to_its_client_id({"username": name, "client_id": f"{name}x"})
    assert not is_bound_to_its_client_id({"username": name, "client_id": ""})
    assert not is_bound_to_its_client_id({"username": name})  # the management API


@pytest.mark.parametrize("name", NOBODYS_NAMES)
def test_a_name_that_we_never_give_may_nothing(name: str) -> None:
    assert grants_of(name) is None
    assert not may_enter_vhost({"username": name, "vhost": "/"})
    assert not may_use_resource(about_resource(name))
    assert not may_use_topic(about_topic("read", "chat.v1.down.alice.#", name))
    assert not may_use_topic(about_topic("write", "chat.v1.up.7.alice.bob.send", name))


@pytest.mark.parametrize("name", [ALICE, BRIDGE])
def test_there_is_one_vhost(name: str) -> None:
    assert may_enter_vhost({"username": name, "vhost": "/"})
    for vhost in ("", "v", "//", "other"):
        assert not may_enter_vhost({"username": name, "vhost": vhost})
        assert not may_use_resource(about_resource(name, vhost=vhost))
        key = routing_key(grants_of(name).subscribe)  # type: ignore[union-attr]
        assert not may_use_topic(about_topic("read", key, name, vhost=vhost))


@pytest.mark.parametrize("name", [ALICE, BRIDGE])
@pytest.mark.parametrize("permission", ["configure", "write", "read"])
def test_a_session_has_its_own_queues_alone(name: str, permission: str) -> None:
    for queue in (f"mqtt-subscription-{name}qos0", f"mqtt-subscription-{name}qos1"):
        asked = about_resource(name, resource="queue", name=queue, permission=permission)
        assert may_use_resource(asked)
        assert not may_use_resource({**asked, "client_id": "carol.abc"})
        assert not may_use_resource({**asked, "permission": "delete"})
        assert not may_use_resource({**asked, "resource": "exchange"})
    for queue in (
        "mqtt-subscription-bob.abcqos1",
        "mqtt-subscription-_bridge.0qos1",
        f"mqtt-subscription-{name}qos2",
        f"mqtt-subscription-{name}qos1x",
        f"mqtt-subscription-{name}",
        f"mqtt-subscription-{name}qos0qos1",
        "mqtt-will-bob.abc",
        name,
        "",
    ):
        asked = about_resource(name, resource="queue", name=queue, permission=permission)
        assert not may_use_resource(asked)


@pytest.mark.parametrize(
    ("exchange", "permission", "allowed"),
    [
        ("amq.topic", "read", True),
        ("amq.topic", "write", True),
        ("amq.topic", "configure", False),
        ("amq.default", "write", True),  # a delayed will
        ("amq.default", "read", False),
        ("amq.fanout", "write", False),
        ("amq.direct", "read", False),
        ("", "write", False),
    ],
)
def test_the_way_through_the_exchange(exchange: str, permission: str, allowed: bool) -> None:
    asked = about_resource(name=exchange, permission=permission)

    assert may_use_resource(asked) is allowed
    assert not may_use_resource({**asked, "resource": "topic"})


@pytest.mark.parametrize(
    ("name", "key"), [(ALICE, "chat.v1.down.alice.#"), (BRIDGE, "chat.v1.up.7.#")]
)
def test_one_filter_may_be_subscribed_to(name: str, key: str) -> None:
    assert may_use_topic(about_topic("read", key, name))
    assert not may_use_topic(about_topic("write", key, name) | {"permission": "configure"})
    assert not may_use_topic(about_topic("read", key, name, **{"variable_map.client_id": "x"}))
    assert not may_use_topic(about_topic("read", key, name, name="amq.fanout"))


@pytest.mark.parametrize(
    "key",
    [
        *("#", "*.#", "chat.#", "chat.v1.#", "chat.v1.down.#", "chat.v1.down.*.#", "chat.*.*.*.#"),
        *("chat.v1.down.alice", "chat.v1.down.alice.*", "chat.v1.down.alice.message", ""),
        *("chat.v1.down.bob.#", "chat.v1.down.alice.#.#", ".chat.v1.down.alice.#"),
        *("chat.v1.up.7.alice.#", "chat.v1.up.7.#", "$share.g.chat.v1.down.alice.#"),
        *("chat/v1/down/alice/#", "CHAT.v1.down.alice.#", "chat.v1.down.alice.#\n"),
    ],
)
def test_a_device_subscribes_to_nothing_else(key: str) -> None:
    assert not may_use_topic(about_topic("read", key))


@pytest.mark.parametrize(
    ("name", "key", "allowed"),
    [
        *((ALICE, routing_key(up("alice", "bob", verb)), True) for verb in VERBS),
        *((ALICE, routing_key(up("bob", "alice", verb)), False) for verb in VERBS),
        (ALICE, routing_key(up("alice", "-", "presence")), True),
        # Wrong below the grant is told by the bridge, at any broker.
        (ALICE, "chat.v1.up.7.alice.bob", True),
        (ALICE, "chat.v1.up.7.alice.bob.send.twice", True),
        (ALICE, "chat.v1.up.7.alice.*.send", True),
        (ALICE, "chat.v1.up.7.alice", False),
        (ALICE, "chat.v1.up.7.alice.", False),
        (ALICE, "chat.v1.up.7.alice2.bob.send", False),
        (ALICE, "chat.v1.up.7.*.bob.send", False),
        (ALICE, "chat.v1.up.0.alice.bob.send", False),
        (ALICE, "chat.v1.up.0.bob.alice.send", False),
        (ALICE, ".chat.v1.up.7.alice.bob.send", False),
        (ALICE, "chat.v1.down.alice.message", False),
        (ALICE, "chat.v1.down.bob.message", False),
        (ALICE, "", False),
        (BRIDGE, "chat.v1.down.alice.message", True),
        (BRIDGE, "chat.v1.down", False),
        (BRIDGE, "chat.v1.up.7.alice.bob.send", False),
        (BRIDGE, "chat.v1.downs.alice.message", False),
    ],
)
def test_what_is_below_the_grant_may_be_published(name: str, key: str, allowed: bool) -> None:
    assert may_use_topic(about_topic("write", key, name)) is allowed


@given(st.text(max_size=40))
def test_no_key_is_subscribed_to_but_the_granted_one(key: str) -> None:
    assert may_use_topic(about_topic("read", key)) is (key == routing_key(down_filter("alice")))


@given(st.text(max_size=20))
def test_a_name_is_a_devices_or_a_bridges_or_nobodys(name: str) -> None:
    kinds = [account_and_device(name), shard_of_bridge(name)]
    assert kinds.count(None) >= 1
    assert (grants_of(name) is None) is (kinds == [None, None])


def test_every_shard_has_a_bridge() -> None:
    assert [shard_of_bridge(bridge_user_name(shard)) for shard in range(16)] == list(range(16))


@pytest.mark.parametrize("name", [ALICE, BRIDGE])
def test_a_queue_tells_whose_it_is(name: str) -> None:
    assert {client_of_queue(queue) for queue in queues_of(name)} == {name}
    assert client_of_queue("tasks") is None


def test_sql_is_asked_before_a_device_hears_or_says_its_first() -> None:
    assert is_before_hearing_or_saying({"resource": "queue", "permission": "read"})
    assert is_before_hearing_or_saying({"resource": "exchange", "permission": "write"})
    assert not is_before_hearing_or_saying({"resource": "queue", "permission": "write"})
    assert not is_before_hearing_or_saying({"resource": "exchange", "permission": "read"})


@pytest.mark.parametrize("missing", ["username", "vhost", "resource", "name", "permission"])
def test_a_question_that_lacks_a_field_is_said_to(missing: str) -> None:
    asked = about_resource()
    del asked[missing]

    with pytest.raises(MalformedQuestion, match=f"lacks {missing}"):
        may_use_resource(asked)
