"""The broker's door, asked as RabbitMQ asks: who may come in, and what is answered to nonsense."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from chat.database import Database
from chat.secrets import BRIDGE_PASSWORD, passwords_in
from mqtt_acl.http_auth import door_path
from mqtt_acl.issuer import Credentials
from tests.running import Installation
from tests.web.site import execute
from web.door import LARGEST_QUESTION_BYTES, create_door


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Installation]:
    """An installation with Alice and Bob; no broker runs."""
    installation = Installation(tmp_path)
    installation.register("alice", "bob")
    yield installation
    installation.stop_all()


class Broker:
    """Asks at an installation's door."""

    def __init__(self, home: Installation, *, is_kept: bool = True) -> None:
        self.cut_off: list[str] = []
        app = create_door(
            home.secrets,
            home.database,
            bridge_passwords=lambda: passwords_in(home.settings.secrets_dir, BRIDGE_PASSWORD),
            is_kept=lambda: is_kept,
            cut_off=self.cut_off.append,
        )
        self.client: FlaskClient = app.test_client()
        self.path = door_path(home.secrets)

    def ask(self, question: str, **fields: str) -> str:
        answer = self.client.post(f"{self.path}/{question}", data=fields)
        assert answer.status_code == 200, answer.text
        return answer.text

    def lets_in(self, name: str, password: str, *, client_id: str | None = None) -> str:
        return self.ask(
            "user",
            username=name,
            password=password,
            vhost="/",
            client_id=name if client_id is None else client_id,
        )

    def may(self, device: Credentials, kind: str, name: str, permission: str) -> str:
        return self.ask(
            "resource",
            username=device.user_name,
            vhost="/",
            resource=kind,
            name=name,
            permission=permission,
            tags="",
            client_id=device.user_name,
        )


@pytest.fixture
def broker(home: Installation) -> Broker:
    return Broker(home)


def test_a_device_comes_in_with_its_own_password_alone(home: Installation, broker: Broker) -> None:
    alice, bob = home.new_device("alice"), home.new_device("bob")

    assert broker.lets_in(alice.user_name, alice.password) == "allow"
    assert broker.lets_in(alice.user_name, bob.password) == "deny"
    assert broker.lets_in(alice.user_name, "") == "deny"
    assert broker.lets_in(alice.user_name, "\N{SNOWMAN}\0") == "deny"


def test_a_device_comes_in_with_its_own_client_id_alone(home: Installation, broker: Broker) -> None:
    alice, bob = home.new_device("alice"), home.new_device("bob")

    for client_id in (bob.user_name, "_bridge.7", "alice", ""):
        assert broker.lets_in(alice.user_name, alice.password, client_id=client_id) == "deny"


def test_a_device_of_another_account_is_none(home: Installation, broker: Broker) -> None:
    alice = home.new_device("alice")
    device_id = alice.user_name.partition(".")[2]

    assert broker.lets_in(f"bob.{device_id}", alice.password) == "deny"
    assert broker.lets_in(device_id, alice.password) == "deny"


def test_a_device_that_is_forgotten_stays_out(home: Installation, broker: Broker) -> None:
    alice = home.new_device("alice")
    execute(home, "DELETE FROM device")

    assert broker.lets_in(alice.user_name, alice.password) == "deny"


def test_no_device_comes_in_while_what_it_sends_is_not_kept(home: Installation) -> None:
    alice = home.new_device("alice")

    assert Broker(home, is_kept=False).lets_in(alice.user_name, alice.password) == "deny"


def test_the_bridge_comes_in_whatever_is_kept(home: Installation) -> None:
    """For it makes the sessions that keep it."""
    for is_kept in (True, False):
        broker = Broker(home, is_kept=is_kept)

        assert broker.lets_in("_bridge.7", home.secrets.bridge_password) == "allow"
        assert broker.lets_in("_bridge.7", "wrong") == "deny"
        assert broker.lets_in("_bridge.g", home.secrets.bridge_password) == "deny"
        right = home.secrets.bridge_password
        assert broker.lets_in("_bridge.7", right, client_id="_bridge.8") == "deny"


def test_nobody_else_comes_in(home: Installation, broker: Broker) -> None:
    for name in ("_admin", "guest", "alice", ""):
        for password in (home.secrets.admin_password, home.secrets.bridge_password, "guest", ""):
            assert broker.lets_in(name, password) == "deny"


def test_a_device_that_was_revoked_in_the_middle_of_its_login_hears_and_says_nothing(
    home: Installation, broker: Broker
) -> None:
    alice = home.new_device("alice")
    queue = f"mqtt-subscription-{alice.user_name}qos1"
    assert broker.may(alice, "queue", queue, "read") == "allow"
    assert broker.may(alice, "exchange", "amq.topic", "write") == "allow"

    execute(home, "DELETE FROM device")

    assert broker.may(alice, "queue", queue, "read") == "deny"
    assert broker.may(alice, "exchange", "amq.topic", "write") == "deny"
    assert broker.cut_off == [alice.user_name] * 2


def test_only_a_login_waits_for_sql(home: Installation) -> None:
    alice = home.new_device("alice")
    home.database = Database("sqlite:////nowhere/katydid.db")
    broker = Broker(home)
    login = {"username": alice.user_name, "password": alice.password, "client_id": alice.user_name}

    refused = broker.client.post(f"{broker.path}/user", data=login)

    assert (refused.status_code, refused.text) == (503, "The database does not answer.")
    assert broker.lets_in("_bridge.7", home.secrets.bridge_password) == "allow"
    assert broker.ask("vhost", username=alice.user_name, vhost="/") == "allow"
    assert broker.may(alice, "exchange", "amq.topic", "write") == "allow"


@pytest.mark.parametrize("question", ["user", "vhost", "resource", "topic"])
def test_a_malformed_question_is_said_to_be_one(broker: Broker, question: str) -> None:
    for data in ({}, {"username": "alice.abc"}, b"\xff\xfe", "%ff=%ff", "=&=&"):
        answer = broker.client.post(f"{broker.path}/{question}", data=data)

        assert answer.status_code == 400
        assert answer.text.startswith("The question lacks ")


def test_only_a_post_is_a_question(broker: Broker) -> None:
    answer = broker.client.get(f"{broker.path}/user?username=alice&password=x")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


def test_a_question_is_not_without_end(broker: Broker) -> None:
    answer = broker.client.post(
        f"{broker.path}/user", data={"username": "a" * LARGEST_QUESTION_BYTES}
    )

    assert answer.status_code == 413


def test_the_longest_topic_that_there_is_can_be_asked_for(
    home: Installation, broker: Broker
) -> None:
    alice = home.new_device("alice")
    begin = "chat.v1.up.7.alice."

    answer = broker.ask(
        "topic",
        username=alice.user_name,
        vhost="/",
        resource="topic",
        name="amq.topic",
        permission="write",
        routing_key=begin + "/" * (65_535 - len(begin)),
        **{"variable_map.client_id": alice.user_name},
    )

    assert answer == "allow"


@pytest.mark.parametrize("word", ["", "0" * 64, "user"])
def test_who_does_not_know_the_long_word_finds_no_door(
    home: Installation, broker: Broker, word: str
) -> None:
    login = {"username": "_bridge.7", "client_id": "_bridge.7"}
    login["password"] = home.secrets.bridge_password

    answer = broker.client.post(f"/{word}/user", data=login)

    assert answer.status_code == 404
    assert "allow" not in answer.text
    assert broker.client.post(f"{broker.path}/other", data=login).status_code == 404
    assert broker.client.post(broker.path, data=login).status_code == 404
