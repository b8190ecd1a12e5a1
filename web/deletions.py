"""Deleting an account: what `chat/deletions.py` does in SQL, and cutting off its devices.

It goes on by itself, whoever waits for the answer, and after a process that died in the middle:
when it is asked for again, when somebody logs in to the account, and as the site starts.
"""

import threading
from concurrent.futures import Future
from functools import partial
from typing import Literal

import structlog
from flask import Flask, current_app
from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

from chat.deletions import (
    begin_deletion,
    count_device,
    deletion_of,
    erase_messages,
    finish_deletion,
    unfinished_deletions,
)
from chat.devices import devices_of
from chat.errors import BrokerUnreachable, KatydidError
from chat.fields import AccountName
from chat.models import Account, Deletion
from chat.times import now
from web.background import in_background
from web.callers import Caller
from web.devices import cut_off
from web.parts import parts

# Proxies wait for an answer for half a minute or longer.
_ANSWER_WITHIN_SECONDS = 20.0

log = structlog.get_logger()


class ErasedCounts(Struct, frozen=True):
    """How much of each there was."""

    devices: int
    logins: int
    blocks: int
    invitations: int
    things: int
    messages: int


class Erased(Struct, frozen=True):
    """What was erased. Not `finished`: it goes on, and may be asked about by the same call."""

    account: AccountName
    messages: Literal["erase", "keep"]
    finished: bool
    erased: ErasedCounts


def delete_account(calling: Caller, *, erases_messages: bool) -> Deletion:
    """The deletion as far as it came: finished, unless very much is to be erased, which goes on.

    Raises BrokerUnreachable when not all devices are cut off yet; all else is done then, and may be
    asked for again.
    """
    account = calling.account
    with parts().database.writing() as sql:
        begin_deletion(
            sql, account, erases_messages=erases_messages, login_id=calling.login_id, now=now()
        )
    log.info("an account is being deleted", account=account.name, erases_messages=erases_messages)
    return _as_far_as_it_comes(account, calling.device.id if calling.device else None)


def delete_thing(thing: Account, *, erases_messages: bool) -> Deletion:
    """As `delete_account`, of a thing, by its owner."""
    with parts().database.writing() as sql:
        begin_deletion(sql, thing, erases_messages=erases_messages, login_id=None, now=now())
    log.info("a thing is being deleted", account=thing.name, erases_messages=erases_messages)
    return _as_far_as_it_comes(thing, None)


def told_of(account: Account, deletion: Deletion) -> Erased:
    """What was erased, as the API tells it."""
    return Erased(
        account=account.name,
        messages="erase" if deletion.erases_messages else "keep",
        finished=deletion.finished_at is not None,
        erased=ErasedCounts(
            devices=deletion.devices,
            logins=deletion.logins,
            blocks=deletion.blocks,
            invitations=deletion.invitations,
            things=deletion.things,
            messages=deletion.messages,
        ),
    )


def go_on_with_deletion(account: Account) -> None:
    """One that was cut off; what stands in the way is logged."""
    try:
        _delete(account, own_device=None)
    except (KatydidError, SQLAlchemyError) as error:
        why = str(error) if isinstance(error, KatydidError) else type(error).__name__
        log.warning("a deletion is not finished", account=account.name, why=why)


def finish_deletions_that_were_cut_off(app: Flask) -> None:
    """Go on with what another process has left."""
    in_background(app, partial(_go_on_with_all, app))


def _go_on_with_all(app: Flask) -> None:
    with app.app_context():
        try:
            with parts().database.reading() as sql:
                accounts = unfinished_deletions(sql)
        except SQLAlchemyError as error:
            log.warning("deletions cannot be looked for", why=type(error).__name__)
            return
        for account in accounts:
            go_on_with_deletion(account)


def _as_far_as_it_comes(account: Account, own_device: str | None) -> Deletion:
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        return _in_background(app, account, own_device).result(_ANSWER_WITHIN_SECONDS)
    except TimeoutError:
        with parts().database.reading() as sql:
            return deletion_of(sql, account)


def _in_background(app: Flask, account: Account, own_device: str | None) -> "Future[Deletion]":
    """In a thread that does not keep the process from ending: what is left is for the next one."""
    outcome: Future[Deletion] = Future()

    def work() -> None:
        with app.app_context():
            try:
                outcome.set_result(_delete(account, own_device=own_device))
            except Exception as error:
                outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return outcome


def _delete(account: Account, *, own_device: str | None) -> Deletion:
    """All that is left to do, first of the account's things. A broker that cannot be told keeps
    nothing from being erased."""
    with parts().database.reading() as sql:
        leaving = [*unfinished_deletions(sql, owner=account), account]
    unreachable = None
    for each in leaving:
        try:
            _cut_off_all(each, own_device)
        except BrokerUnreachable as error:
            unreachable = error
    for each in leaving:
        erase_messages(parts().database, each)
    if unreachable is not None:
        raise unreachable
    with parts().database.writing() as sql:
        deletions = [finish_deletion(sql, each, now()) for each in leaving]
    for each, deletion in zip(leaving, deletions, strict=True):
        log.info("an account was deleted", account=each.name, messages=deletion.messages)
    return deletions[-1]


def _cut_off_all(account: Account, own_device: str | None) -> None:
    """The one that asks last: with it ends the login by which it can ask again."""
    with parts().database.reading() as sql:
        devices = devices_of(sql, account)
    for device in sorted(devices, key=lambda device: device.id == own_device):
        cut_off(account, device.id, besides=count_device)
