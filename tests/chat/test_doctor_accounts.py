"""The two accounts of doctors: there while one is at work, and nobody's otherwise."""

from datetime import timedelta

import pytest
from sqlmodel import select

from chat import doctor_accounts
from chat.accounts import DOCTORS, account_named, register
from chat.conversations import conversations_of
from chat.database import Database
from chat.devices import new_device, remove_device
from chat.doctor_accounts import (
    NameOfADoctorTaken,
    close_doctor_accounts,
    devices_left_behind,
    open_doctor_accounts,
)
from chat.errors import NotAcceptable
from chat.indexing import index_messages
from chat.models import Account, Conversation, Message, SearchProgress, SearchText
from chat.times import now
from tests.people import add_accounts, add_conversation

pytestmark = pytest.mark.both_databases


def opened(database: Database) -> tuple[Account, Account]:
    with database.writing() as session:
        return open_doctor_accounts(session, now())


def test_they_are_the_same_pair_each_time_and_nobody_in_between(database: Database) -> None:
    first = [account.id for account in opened(database)]
    assert close_doctor_accounts(database, now())

    with database.reading() as session:
        for name in DOCTORS:
            account = account_named(session, name)
            assert account is not None
            assert account.deleted_at is not None
    assert [account.id for account in opened(database)] == first


def test_what_they_wrote_is_gone_and_what_others_wrote_is_not(database: Database) -> None:
    alice, bob = add_accounts(database, "alice", "bob")
    add_conversation(database, alice, bob, "hello, Bob")
    add_conversation(database, *opened(database), "say aah")
    index_messages(database)

    assert close_doctor_accounts(database, now())
    assert close_doctor_accounts(database, now())

    with database.reading() as session:
        assert [each.body for each in session.exec(select(Message))] == ["hello, Bob"]
        assert len(conversations_of(session, alice)) == 1
    with database.searching() as session:
        assert len(session.exec(select(SearchText)).all()) == 1


def test_a_doctor_that_was_cut_off_leaves_the_next_one_what_is_to_be_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_conversation(database, *opened(database), "say aah")
    index_messages(database)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(doctor_accounts, "forget_conversation", _cut_off)
        with pytest.raises(InterruptedError):
            close_doctor_accounts(database, now())

    assert close_doctor_accounts(database, now())

    with database.searching() as session:
        for table in (Conversation, Message, SearchText, SearchProgress):
            assert session.exec(select(table)).all() == []


def _cut_off(*_: object) -> None:
    raise InterruptedError


def test_they_stay_while_another_doctor_is_at_work(database: Database) -> None:
    first, _ = opened(database)
    device = new_device(account=first, name="Doctor", kind="thing", now=now())
    with database.writing() as session:
        session.add(device)

    assert not close_doctor_accounts(database, now())

    with database.writing() as session:
        assert devices_left_behind(session, now()) == []
        later = now() + timedelta(minutes=11)
        assert devices_left_behind(session, later) == [(DOCTORS[0], device.id)]
        remove_device(session, device.id)
    assert close_doctor_accounts(database, now())


@pytest.mark.parametrize("name", DOCTORS)
def test_nobody_can_register_under_their_names(database: Database, name: str) -> None:
    with pytest.raises(NotAcceptable):
        register(database, name=name, password="long enough", display_name=None, now=now())


def test_who_had_the_name_before_keeps_it(database: Database) -> None:
    with database.writing() as session:
        session.add(
            Account(name=DOCTORS[1], display_name="Me", password_hash="!", created_at=now())
        )

    with pytest.raises(NameOfADoctorTaken):
        opened(database)

    with database.reading() as session:
        assert [(each.name, each.kind) for each in session.exec(select(Account))] == [
            (DOCTORS[1], "person")
        ]
