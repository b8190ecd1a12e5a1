"""Browsers are told of messages while no page is open: from a message to a push service."""

import base64
import json
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from sqlalchemy import text

from chat.models import Device
from chat.push_keys import public_key_of
from chat.rotation import change_server_key
from chat.secrets import load_secrets
from chat.subscriptions import subscribe
from chat.times import now
from chat.topics import down_filter, up
from chat.user_names import account_and_device
from mqtt_acl.issuer import Credentials
from tests.mqtt import Client
from tests.push.service import PushService, Subscription
from tests.running import Installation, wait_until

pytestmark = pytest.mark.both_databases

TO_BOB, TO_ALICE = up("alice", "bob", "send"), up("bob", "alice", "send")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushService]:
    service = PushService(tmp_path_factory.mktemp("push"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, dialect: str, service: PushService
) -> Iterator[Installation]:
    """A broker, a bridge, and one that tells browsers."""
    installation = Installation(
        tmp_path_factory.mktemp("home"),
        dialect=dialect,
        KATYDID_PUSH_SERVICES=service.place,
        KATYDID_PUSH_CONTACT="mailto:host@example.com",
        REQUESTS_CA_BUNDLE=str(service.authority.file),
    )
    installation.register("alice", "bob", "carol")
    installation.start("broker", "bridge", "push")
    yield installation
    installation.stop_all()


@pytest.fixture
def running(installation: Installation, service: PushService) -> Installation:
    """Nobody has written, nobody is subscribed, the push service is well."""
    with installation.database.transaction() as connection:
        for table in ("notification", "message", "member", "conversation", "device", "presence"):
            connection.execute(text(f"DELETE FROM {table}"))
    service.status = 201
    service.known_key = None
    service.requests.clear()
    return installation


def listens(running: Installation, account: str) -> Client:
    client = Client(running.settings, running.new_device(account))
    client.connect().subscribe(down_filter(account))
    return client


def subscribed(running: Installation, account: str, service: PushService) -> Subscription:
    """A browser of the account, which is told."""
    subscription = Subscription(service)
    _, device_id = device_of(running.new_device(account, kind="browser"))
    with running.database.writing() as sql:
        subscribe(
            sql,
            sql.get_one(Device, device_id),
            services=running.settings.push_services,
            now=now(),
            **subscription.body,
        )
    return subscription


def device_of(credentials: Credentials) -> tuple[str, str]:
    named = account_and_device(credentials.user_name)
    assert named is not None
    return named


def notifications(running: Installation) -> int:
    return len(running.rows("SELECT 1 FROM notification"))


def test_who_has_no_page_open_is_told_in_words_for_that_browser_alone(
    running: Installation, service: PushService
) -> None:
    phone, tablet = (subscribed(running, "bob", service) for _ in range(2))
    alice = listens(running, "alice")

    alice.publish(TO_BOB, {"id": "1", "text": "hello 🦗"})

    expected = {"kind": "message", "peer": "alice", "name": "alice", "text": "hello 🦗"}
    for browser in (phone, tablet):
        wait_until("the browser to be told", browser.told)
        assert browser.told() == [expected | {"unread": 1, "seq": 1}]
    assert b"hello" not in b"".join(body for _, _, body in service.requests)

    alice.publish(TO_BOB, {"id": "2", "text": "x" * 4_000})

    wait_until("the second one", lambda: len(phone.told()) == 2)
    assert (phone.told()[1]["unread"], len(phone.told()[1]["text"])) == (2, 240)
    assert phone.told()[1]["text"].endswith("…")


def test_a_push_service_sees_who_asks_and_what_replaces_what(
    running: Installation, service: PushService
) -> None:
    subscribed(running, "bob", service)

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    wait_until("the push service to be asked", lambda: service.requests)
    [(_, headers, _)] = service.requests
    assert headers["topic"].startswith("conversation-")
    assert headers["urgency"] == "high"
    assert headers["content-encoding"] == "aes128gcm"
    scheme, _, fields = headers["authorization"].partition(" ")
    said = dict(field.split("=", 1) for field in fields.split(","))
    assert scheme == "vapid"
    assert said["k"].rstrip("=") == public_key_of(running.secrets)
    claims = verified(said["t"], said["k"])
    assert claims["aud"] == f"https://{service.place}"
    assert claims["sub"] == "mailto:host@example.com"


def verified(token: str, key: str) -> dict[str, str]:
    """The claims of a JSON Web Token, whose signature holds."""
    signed, _, signature = token.rpartition(".")
    half = decoded(signature)
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    both = encode_dss_signature(int.from_bytes(half[:32]), int.from_bytes(half[32:]))
    point.verify(both, signed.encode(), ec.ECDSA(hashes.SHA256()))
    claims = json.loads(decoded(signed.partition(".")[2]))
    assert isinstance(claims, dict)
    return claims


def decoded(base64url: str) -> bytes:
    return base64.urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4))


def test_nothing_is_noted_of_accounts_without_a_subscription(
    running: Installation, service: PushService
) -> None:
    carol = subscribed(running, "carol", service)
    alice = listens(running, "alice")

    alice.publish(TO_BOB, {"id": "1", "text": "hello"})
    alice.publish(up("alice", "carol", "send"), {"id": "2", "text": "hello"})

    wait_until("Carol to be told", carol.told)
    assert notifications(running) == 1


def test_one_is_not_told_of_what_one_wrote(running: Installation, service: PushService) -> None:
    alice = subscribed(running, "alice", service)
    bob = subscribed(running, "bob", service)

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    wait_until("Bob to be told", bob.told)
    assert alice.told() == []


def test_who_reads_it_at_once_is_not_told(running: Installation, service: PushService) -> None:
    phone = subscribed(running, "bob", service)
    bob = listens(running, "bob")
    bob.publish(up("bob", "-", "presence"), {"online": True, "connection": "a page"})
    wait_until("Bob to be online", lambda: running.rows("SELECT 1 FROM presence"))

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})
    bob.wait_for("message", lambda message: message["seq"] == 1)
    bob.publish(up("bob", "alice", "read"), {"seq": 1})

    wait_until("it to be settled", lambda: notifications(running) == 0)
    assert phone.told() == []


def test_who_is_here_but_does_not_read_it_is_told_after_a_moment(
    running: Installation, service: PushService
) -> None:
    phone = subscribed(running, "bob", service)
    bob = listens(running, "bob")
    bob.publish(up("bob", "-", "presence"), {"online": True, "connection": "a page"})
    wait_until("Bob to be online", lambda: running.rows("SELECT 1 FROM presence"))

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    wait_until("the phone to be told", phone.told)


def test_what_is_read_on_another_device_disappears(
    running: Installation, service: PushService
) -> None:
    phone = subscribed(running, "bob", service)
    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})
    wait_until("the phone to be told", phone.told)

    listens(running, "bob").publish(up("bob", "alice", "read"), {"seq": 1})

    wait_until("the phone to be told that it was read", lambda: len(phone.told()) == 2)
    assert phone.told()[1] == {"kind": "read", "peer": "alice"}
    wait_until("nothing to be left", lambda: notifications(running) == 0)


def test_a_muted_conversation_is_quiet(running: Installation, service: PushService) -> None:
    phone = subscribed(running, "bob", service)
    alice, carol = listens(running, "alice"), listens(running, "carol")
    alice.publish(TO_BOB, {"id": "1", "text": "hello"})
    wait_until("the phone to be told", phone.told)
    with running.database.transaction() as connection:
        connection.execute(text("UPDATE member SET muted = true"))

    alice.publish(TO_BOB, {"id": "2", "text": "hello again"})
    wait_until("what was shown to be taken back", lambda: len(phone.told()) == 2)
    assert phone.told()[1] == {"kind": "read", "peer": "alice"}

    alice.publish(TO_BOB, {"id": "3", "text": "and again"})
    carol.publish(up("carol", "bob", "send"), {"id": "1", "text": "from elsewhere"})
    wait_until("the phone to be told of another", lambda: len(phone.told()) == 3)
    assert phone.told()[2]["peer"] == "carol"


def test_a_text_is_told_as_it_is_now_and_not_when_it_was_unsent(
    running: Installation, service: PushService
) -> None:
    running.kill("push")
    phone = subscribed(running, "bob", service)
    alice = listens(running, "alice")
    for number, text_ in enumerate(("frist", "a slip"), 1):
        alice.publish(TO_BOB, {"id": f"{number}", "text": text_})
    alice.publish(up("alice", "bob", "edit"), {"id": "3", "seq": 1, "text": "first"})
    alice.publish(up("alice", "bob", "unsend"), {"id": "4", "seq": 2})
    alice.wait_for("message", lambda message: message["id"] == "4")

    running.start("push")

    wait_until("the phone to be told", phone.told)
    assert [(told["text"], told["unread"]) for told in phone.told()] == [("first", 1)]

    alice.publish(up("alice", "bob", "unsend"), {"id": "5", "seq": 1})

    wait_until("the phone to be told once more", lambda: len(phone.told()) == 2)
    assert phone.told()[1] == {"kind": "read", "peer": "alice"}


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_was_given_up_is_forgotten(
    running: Installation, service: PushService, status: int
) -> None:
    subscribed(running, "bob", service)
    service.status = status

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    subscriptions = "SELECT 1 FROM push_subscription"
    wait_until("it to be forgotten", lambda: running.rows(subscriptions) == [])


@pytest.mark.parametrize("status", [429, 503])
def test_a_push_service_that_is_away_is_asked_again(
    running: Installation, service: PushService, status: int
) -> None:
    phone = subscribed(running, "bob", service)
    service.status = status
    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})
    put_off = "SELECT 1 FROM notification WHERE failures = 1 AND due_at IS NOT NULL"
    wait_until("it to be put off", lambda: running.rows(put_off))

    service.status = 201
    make_due(running)

    wait_until("the phone to be told", lambda: len(phone.told()) == 2)
    settled = "SELECT 1 FROM notification WHERE failures = 0 AND told_seq = 1"
    wait_until("it to be settled", lambda: running.rows(settled))


@pytest.mark.parametrize("status", [302, 400, 403, 413])
def test_a_push_service_that_refuses_is_not_asked_again(
    running: Installation, service: PushService, status: int
) -> None:
    phone = subscribed(running, "bob", service)
    service.status = status

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    settled = "SELECT 1 FROM notification WHERE told_seq = 1 AND due_at IS NULL"
    wait_until("it to be settled", lambda: running.rows(settled))
    assert len(phone.told()) == 1
    assert [path for path, _, _ in service.requests] == [phone.path]


def test_a_browser_that_subscribed_with_the_key_before_is_told_too(
    running: Installation, service: PushService
) -> None:
    phone, before = subscribed(running, "bob", service), running.secrets
    service.known_key = public_key_of(before)
    change_server_key(running.settings.secrets_dir, since=2)
    running.kill("push")
    running.start("push")

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    settled = "SELECT 1 FROM notification WHERE told_seq = 1 AND due_at IS NULL"
    wait_until("it to be settled", lambda: running.rows(settled))
    keys = [headers["authorization"].rpartition(",k=")[2] for _, headers, _ in service.requests]
    after = load_secrets(running.settings)
    assert keys == [public_key_of(after), public_key_of(before)]
    assert phone.told()[-1]["text"] == "hello"


def make_due(running: Installation) -> None:
    with running.database.transaction() as connection:
        connection.execute(text("UPDATE notification SET due_at = 1"))


def test_what_one_died_with_another_tells(running: Installation, service: PushService) -> None:
    running.kill("push")
    phone = subscribed(running, "bob", service)
    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})
    wait_until("it to be noted", lambda: notifications(running) == 1)
    with running.database.transaction() as connection:
        claimed = "UPDATE notification SET due_at = NULL, claimed_until_at = 1"
        connection.execute(text(claimed))

    running.start("push")

    wait_until("the phone to be told", phone.told)


def test_two_tell_it_once(running: Installation, service: PushService) -> None:
    running.start("push-2")
    phone = subscribed(running, "bob", service)
    alice = listens(running, "alice")

    for number in range(1, 6):
        alice.publish(TO_BOB, {"id": f"{number}", "text": "hello"})
        told = number
        wait_until("the phone to be told", lambda told=told: len(phone.told()) == told)

    running.kill("push-2")
    assert [told["seq"] for told in phone.told()] == [1, 2, 3, 4, 5]


def test_a_revoked_device_is_told_nothing(running: Installation, service: PushService) -> None:
    phone, tablet = (subscribed(running, "bob", service) for _ in range(2))
    [(first,)] = running.rows(
        "SELECT device_id FROM push_subscription WHERE endpoint = :endpoint",
        endpoint=phone.body["endpoint"],
    )
    with running.database.transaction() as connection:
        connection.execute(text("DELETE FROM device WHERE id = :id"), {"id": first})

    listens(running, "alice").publish(TO_BOB, {"id": "1", "text": "hello"})

    wait_until("the tablet to be told", tablet.told)
    assert phone.told() == []
