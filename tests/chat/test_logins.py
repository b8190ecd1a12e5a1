"""Logins: they last while they are used, and end for good, whoever ends them first."""

from datetime import timedelta

import pytest

from chat.accounts import account_named
from chat.database import Database
from chat.devices import new_device, note_use, remove_device
from chat.digests import digest_of
from chat.errors import UnknownLogin
from chat.logins import (
    LASTS,
    begin_login,
    bind_login,
    end_login,
    find_login,
    login_of,
    logins_of,
    prolong_login,
)
from chat.models import Account, Device
from chat.times import now

pytestmark = pytest.mark.both_databases


@pytest.fixture
def alice(people: Database) -> Account:
    with people.reading() as session:
        account = account_named(session, "alice")
    assert account is not None
    return account


@pytest.fixture
def login_id(people: Database, alice: Account) -> str:
    with people.writing() as session:
        return begin_login(session, alice, now(), browser="Firefox on Linux").id


def device_of(people: Database, login_id: str, alice: Account) -> Device:
    """A new device of Alice's, that of the login's browser from now on."""
    device = new_device(account=alice, name="Firefox", kind="browser", now=now())
    with people.writing() as session:
        session.add(device)
        session.flush()
        bind_login(session, login_id, device)
    return device


def is_known(people: Database, login_id: str, *, later: timedelta = timedelta()) -> bool:
    with people.reading() as session:
        return find_login(session, login_id, now() + later) is not None


def test_a_login_is_found_with_its_account_and_device(
    people: Database, login_id: str, alice: Account
) -> None:
    device = device_of(people, login_id, alice)

    with people.reading() as session:
        found = find_login(session, login_id, now())

    assert found is not None
    assert found[0].name == "alice"
    assert found[1] is not None
    assert found[1].id == device.id
    assert not is_known(people, login_id + "x")


def test_a_login_lasts_from_when_it_was_prolonged(people: Database, login_id: str) -> None:
    later = timedelta(days=20)
    with people.writing() as session:
        prolong_login(session, login_id, now() + later)

    assert is_known(people, login_id, later=LASTS)
    assert not is_known(people, login_id, later=LASTS + later)


def test_a_login_ends_with_its_device(people: Database, login_id: str, alice: Account) -> None:
    device = device_of(people, login_id, alice)

    for _ in range(2):
        with people.writing() as session:
            remove_device(session, device.id)

    assert not is_known(people, login_id)


def test_what_was_ended_meanwhile_is_not_prolonged(people: Database, login_id: str) -> None:
    """By another tab, after this one was let in."""
    with people.writing() as session:
        end_login(session, login_id)

    with people.writing() as session:
        end_login(session, login_id)
        prolong_login(session, login_id, now())

    assert not is_known(people, login_id)


def test_old_logins_are_forgotten_when_another_begins(
    people: Database, login_id: str, alice: Account
) -> None:
    with people.writing() as session:
        begin_login(session, alice, now() + LASTS + timedelta(seconds=1), browser="Firefox")
    with people.writing() as session:
        prolong_login(session, login_id, now())

    assert not is_known(people, login_id)


def test_logins_are_listed_newest_first_with_when_each_was_seen(
    people: Database, login_id: str, alice: Account
) -> None:
    device = device_of(people, login_id, alice)
    later = now().replace(microsecond=0) + timedelta(hours=1)
    with people.writing() as session:
        note_use(session, device, later)
        begin_login(session, alice, later - timedelta(minutes=5), browser="Safari on iPhone")

    with people.reading() as session:
        listed = logins_of(session, alice, now())
        much_later = logins_of(session, alice, later + LASTS)

    assert [(login.browser, seen_at) for login, seen_at in listed] == [
        ("Safari on iPhone", later - timedelta(minutes=5)),
        ("Firefox on Linux", later),
    ]
    assert much_later == []


def test_a_login_is_known_by_its_digest_to_its_account_alone(
    people: Database, login_id: str, alice: Account
) -> None:
    with people.reading() as session:
        bob = account_named(session, "bob")
        assert bob is not None

        assert login_of(session, alice, digest_of(login_id)).id == login_id
        for account, word in ((bob, digest_of(login_id)), (alice, login_id), (alice, "")):
            with pytest.raises(UnknownLogin):
                login_of(session, account, word)
