"""Accounts and devices: what may be registered, and who one is by which secret."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlmodel import select, update

from chat.accounts import account_named, authenticate, register
from chat.database import Database
from chat.devices import (
    MOST_DEVICES,
    all_devices,
    authenticate_device,
    check_may_add_device,
    device_of,
    device_secret,
    devices_of,
    keep_device,
    new_device,
    remove_device,
)
from chat.errors import NameTaken, NotAcceptable, TooManyDevices, UnknownDevice
from chat.models import Account, Device, Presence
from chat.secrets import ServerKeys
from chat.times import now
from chat.user_names import device_user_name
from tests.chat.conftest import PASSWORD

pytestmark = pytest.mark.both_databases

KEY = ServerKeys(b"k" * 32)


def test_a_password_opens_its_own_account_alone(people: Database) -> None:
    alice = authenticate(people, "alice", PASSWORD)

    assert alice is not None
    assert alice.name == alice.display_name == "alice"
    assert authenticate(people, "alice", PASSWORD + "!") is None
    assert authenticate(people, "zed", PASSWORD) is None
    assert authenticate(people, "alice", "\ud800") is None


def test_a_password_is_kept_as_an_argon2id_hash(people: Database) -> None:
    with people.reading() as session:
        alice = account_named(session, "alice")

    assert alice is not None
    assert alice.password_hash.startswith("$argon2id$")


# The same to who types them: as one character and as two, and from a keyboard of full width.
COMPOSED, DECOMPOSED, WIDE = "caf\u00e9 cr\u00e8me", "cafe\u0301 cre\u0300me", "\uff43afé crème"
TYPED = pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED, WIDE], ids=["one", "two", "wide"])


@pytest.mark.parametrize(
    "chosen", [COMPOSED, DECOMPOSED, WIDE], ids=["as-one", "as-two", "as-wide"]
)
@TYPED
def test_a_password_is_the_same_from_whatever_keyboard(
    people: Database, chosen: str, typed: str
) -> None:
    register(people, name="dave", password=chosen, display_name=None, now=now())

    assert authenticate(people, "dave", typed) is not None
    assert authenticate(people, "dave", "cafe creme") is None


@TYPED
def test_a_hash_of_what_was_typed_goes_on_opening_its_account(people: Database, typed: str) -> None:
    made_before = PasswordHasher().hash(typed)
    with people.writing() as session:
        session.exec(
            update(Account).where(Account.name == "alice").values(password_hash=made_before)
        )

    assert authenticate(people, "alice", typed) is not None
    assert authenticate(people, "alice", "cafe creme") is None


def test_accents_make_no_password_longer(people: Database) -> None:
    with pytest.raises(NotAcceptable, match="8 to 200 characters"):
        register(people, name="dave", password="e\u0301" * 4, display_name=None, now=now())


def test_a_name_is_given_out_once(people: Database) -> None:
    with pytest.raises(NameTaken):
        register(people, name="alice", password=PASSWORD, display_name=None, now=now())


@pytest.mark.parametrize(
    ("name", "password", "display_name", "field"),
    [
        ("Dave", PASSWORD, None, "account"),
        ("d", PASSWORD, None, "account"),
        ("me", PASSWORD, None, "account"),
        ("dave", "short", None, "password"),
        ("dave", "x" * 201, None, "password"),
        ("dave", "with a \0 in it", None, "password"),
        ("dave", "half \ud800 a pair", None, "password"),
        ("dave", PASSWORD, "x" * 65, "display_name"),
        ("dave", PASSWORD, "two\nlines", "display_name"),
        ("dave", PASSWORD, "evil \u202e name", "display_name"),
        ("dave", PASSWORD, "   ", "display_name"),
    ],
)
def test_what_is_not_acceptable_is_named(
    people: Database, name: str, password: str, display_name: str | None, field: str
) -> None:
    with pytest.raises(NotAcceptable) as wrong:
        register(people, name=name, password=password, display_name=display_name, now=now())

    assert wrong.value.field == field
    with people.reading() as session:
        assert account_named(session, "dave") is None


def add_device(database: Database, account: str, name: str) -> Device:
    with database.writing() as session:
        owner = account_named(session, account)
        assert owner is not None
        device = new_device(account=owner, name=name, kind="thing", now=now())
        session.add(device)
    return device


def test_an_account_sees_its_own_devices_newest_first(people: Database) -> None:
    first = add_device(people, "alice", "Doorbell")
    second = add_device(people, "alice", "Phone")
    with people.writing() as session:
        session.merge(second).created_at = first.created_at + timedelta(seconds=1)
    others = add_device(people, "bob", "Laptop")

    with people.reading() as session:
        alice = account_named(session, "alice")
        assert alice is not None
        assert [device.id for device in devices_of(session, alice)] == [second.id, first.id]
        with pytest.raises(UnknownDevice):
            device_of(session, alice, others.id)
        assert {(name, device.id) for name, device in all_devices(session)} == {
            ("alice", first.id),
            ("alice", second.id),
            ("bob", others.id),
        }


def test_a_device_is_known_by_its_user_name_and_derived_secret(people: Database) -> None:
    device = add_device(people, "alice", "Phone")
    secret = device_secret(KEY, device)

    def known(name: str, password: str) -> bool:
        with people.reading() as session:
            return authenticate_device(session, KEY, name, password) is not None

    assert len(secret) == 43
    assert known(device_user_name("alice", device.id), secret)
    assert not known(device_user_name("alice", device.id), secret + "x")
    assert not known(device_user_name("alice", device.id), "\ud800")
    assert not known(device_user_name("bob", device.id), secret)
    assert not known("alice", secret)
    assert not known("alice.", secret)


def test_a_higher_generation_is_a_new_secret(people: Database) -> None:
    device = add_device(people, "alice", "Phone")
    before = device_secret(KEY, device)
    device.generation += 1

    assert device_secret(KEY, device) != before


@pytest.mark.parametrize(
    ("name", "kind", "field"),
    [
        ("", "thing", "name"),
        ("x" * 65, "thing", "name"),
        ("a\tb", "phone", "name"),
        ("Toaster", "toaster", "kind"),
    ],
)
def test_a_device_needs_a_printable_name_and_a_known_kind(
    people: Database, name: str, kind: str, field: str
) -> None:
    with people.reading() as session:
        alice = account_named(session, "alice")
    assert alice is not None

    with pytest.raises(NotAcceptable) as wrong:
        new_device(account=alice, name=name, kind=kind, now=now())

    assert wrong.value.field == field


def test_a_removed_device_is_gone_and_no_longer_online(people: Database) -> None:
    phone, laptop = (add_device(people, "alice", name) for name in ("Phone", "Laptop"))
    with people.writing() as session:
        for device in (phone, laptop):
            connection = f"{device.id}-1"
            session.add(
                Presence(account_id=device.account_id, connection=connection, since_at=now())
            )

    with people.writing() as session:
        remove_device(session, phone.id)
        remove_device(session, "not-there")

    with people.reading() as session:
        assert [device.id for _, device in all_devices(session)] == [laptop.id]
        assert [row.connection for row in session.exec(select(Presence))] == [f"{laptop.id}-1"]


def test_an_account_has_at_most_so_many_devices(people: Database) -> None:
    for number in range(MOST_DEVICES):
        with people.reading() as session:
            alice = account_named(session, "alice")
            assert alice is not None
            check_may_add_device(session, alice)
        add_device(people, "alice", f"{number}")

    with people.reading() as session, pytest.raises(TooManyDevices, match="revoke one first"):
        check_may_add_device(session, alice)


def test_of_many_who_come_at_once_for_the_last_place_one_has_it(people: Database) -> None:
    for number in range(MOST_DEVICES - 1):
        add_device(people, "alice", f"{number}")
    with people.reading() as session:
        alice = account_named(session, "alice")
    assert alice is not None

    def add(number: int) -> bool:
        device = new_device(account=alice, name=f"Last {number}", kind="thing", now=now())
        try:
            with people.writing() as session:
                keep_device(session, alice, device)
        except TooManyDevices:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(add, range(8)))

    assert added.count(True) == 1
    with people.reading() as session:
        assert len(devices_of(session, alice)) == MOST_DEVICES


def test_with_the_last_device_all_connections_go(people: Database) -> None:
    phone = add_device(people, "alice", "Phone")
    with people.writing() as session:
        session.add(
            Presence(account_id=phone.account_id, connection="of its own name", since_at=now())
        )

    with people.writing() as session:
        remove_device(session, phone.id)

    with people.reading() as session:
        assert session.exec(select(Presence)).all() == []
