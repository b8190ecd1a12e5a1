"""What admins do with accounts, in SQL: find, promote, disable, enable; and the line of each act.

Telling the broker whom to cut off is `web/administration.py`'s. A disabled account keeps all that
is its own: it can do nothing, what others write to it waits, and once it is enabled it goes on.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, or_, select, update

from chat.errors import NotAcceptable, NotAdminAnyMore
from chat.logins import end_logins
from chat.models import Account, AuditLine, Device, PushSubscription

Act = Literal[
    "admin made",
    "admin no more",
    "disabled",
    "enabled",
    "reset link made",
    "deleted",
    "report closed",
]
PAGE = 50


def find_accounts(session: Session, *, beginning: str = "", after: str = "") -> list[Account]:
    """At most one more than a page of those that are not deleted, by name, from the one after
    `after` on; only those whose name begins so."""
    wanted = select(Account).where(
        col(Account.deleted_at).is_(None),
        col(Account.name).startswith(beginning, autoescape=True),
        Account.name > after,
    )
    return list(session.exec(wanted.order_by(Account.name).limit(PAGE + 1)))


def admins(session: Session) -> list[Account]:
    """All of them, by name."""
    wanted = select(Account).where(Account.is_admin, col(Account.deleted_at).is_(None))
    return list(session.exec(wanted.order_by(Account.name)))


def lock_admin(session: Session, admin: Account | None, about: Account) -> None:
    """Nobody takes the admin's role, nor disables it, until the transaction's end: of two who do
    that to each other at the same moment, one is left. Raises NotAdminAnyMore when somebody has;
    None is the command line."""
    if admin is None:
        return
    both = select(Account).where(col(Account.id).in_((admin.id, about.id)))
    in_turn = both.order_by(col(Account.id)).with_for_update(key_share=True)
    locked = session.exec(in_turn.execution_options(populate_existing=True))
    [found] = [each for each in locked if each.id == admin.id]
    if not found.is_admin or found.disabled_at is not None or found.deleted_at is not None:
        raise NotAdminAnyMore


def set_admin(session: Session, account: Account, *, is_admin: bool) -> None:
    """Whether it looks after all accounts from now on. Raises NotAcceptable for a thing."""
    if is_admin and account.owner_id is not None:
        raise NotAcceptable("account", f"must be a person, and {account.name} is a thing")
    session.exec(update(Account).where(col(Account.id) == account.id).values(is_admin=is_admin))


def disable(session: Session, account: Account, now: datetime) -> list[tuple[str, Device]]:
    """From now on the account and its things can do nothing; answers their devices, each with the
    name of its account, which the broker is to cut off. A second call changes nothing else."""
    enabled = (*_with_things(account), col(Account.disabled_at).is_(None))
    session.exec(update(Account).where(*enabled).values(disabled_at=now))
    end_logins(session, account)
    # What it is told meanwhile is nobody's to read.
    session.exec(delete(PushSubscription).where(col(PushSubscription.account_id) == account.id))
    return _devices(session, account)


def enable(session: Session, account: Account) -> list[tuple[str, Device]]:
    """The account and its things go on; answers their devices, which the broker is to let in."""
    session.exec(update(Account).where(*_with_things(account)).values(disabled_at=None))
    return _devices(session, account)


def note_act(
    session: Session,
    admin: Account | None,
    act: Act,
    about: Account,
    now: datetime,
    detail: str = "",
) -> None:
    """What an admin did, or the command line (None); in the transaction that did it."""
    line = AuditLine(
        at=now,
        admin_id=admin.id if admin else None,
        act=act,
        account_id=about.id,
        detail=detail,
    )
    session.add(line)


def audit(
    session: Session, *, before: int | None = None
) -> list[tuple[AuditLine, str | None, str]]:
    """At most one more than a page of lines, newest first, from the one before that number on; each
    with the name of the admin and that of whom it concerned."""
    admin, about = _Admin, _About
    wanted = (
        select(AuditLine, admin.c.name, about.c.name)
        .join(admin, admin.c.id == AuditLine.admin_id, isouter=True)
        .join(about, about.c.id == AuditLine.account_id)
        .order_by(col(AuditLine.id).desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        wanted = wanted.where(col(AuditLine.id) < before)
    return [(line, by, of) for line, by, of in session.exec(wanted)]


_Admin = select(Account.id, Account.name).subquery("admin")
_About = select(Account.id, Account.name).subquery("about")


def _with_things(account: Account) -> tuple[ColumnElement[bool], ...]:
    return (or_(col(Account.id) == account.id, col(Account.owner_id) == account.id),)


def _devices(session: Session, account: Account) -> list[tuple[str, Device]]:
    names_and_devices = select(Account.name, Device).join(Device).where(*_with_things(account))
    return [(name, device) for name, device in session.exec(names_and_devices)]
