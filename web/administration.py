"""What admins do: in SQL with its line in the audit, then at the broker.

SQL first: from its commit on a disabled account is refused everywhere, also by a broker that starts
anew; what it is connected with is cut off right after. `admin` is None for the command line; all of
this raises NotAdminAnyMore for another who has lost the role meanwhile.
"""

from collections.abc import Iterable

import structlog

from chat.accounts import account_named
from chat.administration import disable, enable, lock_admin, note_act, set_admin
from chat.errors import BrokerUnreachable, UnknownAccount
from chat.models import Account, Deletion, Device
from chat.password_resets import forget_reset, offer_reset
from chat.reports import close_report
from chat.times import now, rfc3339
from mqtt_acl.issuer import credentials_of
from web.callers import Caller
from web.deletions import delete_account
from web.errors import NotOneself
from web.parts import parts

log = structlog.get_logger()


def account_to_look_after(name: str) -> Account:
    """Raises UnknownAccount, also for who was deleted."""
    with parts().database.reading() as sql:
        found = account_named(sql, name)
    if found is None or found.deleted_at is not None:
        raise UnknownAccount(name)
    return found


def make_admin(admin: Account | None, account: Account) -> None:
    """It looks after all accounts from now on. Raises NotAcceptable for a thing."""
    with parts().database.writing() as sql:
        lock_admin(sql, admin, account)
        set_admin(sql, account, is_admin=True)
        note_act(sql, admin, "admin made", account, now())
    log.info("an account is an admin", account=account.name, by=_name(admin))


def make_no_admin(admin: Account | None, account: Account) -> None:
    """It looks after its own account alone. Raises NotOneself."""
    _check_is_another(admin, account)
    with parts().database.writing() as sql:
        lock_admin(sql, admin, account)
        set_admin(sql, account, is_admin=False)
        note_act(sql, admin, "admin no more", account, now())
    log.info("an account is no admin any more", account=account.name, by=_name(admin))


def disable_account(admin: Account | None, account: Account) -> None:
    """From now on it can do nothing; all that it is connected with is cut off. Raises NotOneself,
    and BrokerUnreachable when the broker could not be told of all: it may be asked for again."""
    _check_is_another(admin, account)
    with parts().database.writing() as sql:
        lock_admin(sql, admin, account)
        devices = disable(sql, account, now())
        assert account.id is not None
        forget_reset(sql, account.id)
        note_act(sql, admin, "disabled", account, now())
    log.info("an account is disabled", account=account.name, by=_name(admin))
    _tell_broker(devices, are_let_in=False)


def enable_account(admin: Account | None, account: Account) -> None:
    """It goes on where it was. Raises BrokerUnreachable, as `disable_account` does."""
    with parts().database.writing() as sql:
        lock_admin(sql, admin, account)
        devices = enable(sql, account)
        note_act(sql, admin, "enabled", account, now())
    log.info("an account is enabled", account=account.name, by=_name(admin))
    _tell_broker(devices, are_let_in=True)


def make_reset_link(admin: Account | None, account: Account) -> tuple[str, str]:
    """What the link has to say, and when it expires. Raises NotAcceptable."""
    with parts().database.writing() as sql:
        lock_admin(sql, admin, account)
        token, expires_at = offer_reset(sql, account, now())
        note_act(sql, admin, "reset link made", account, now())
    log.info("a link to reset a password was made", account=account.name, by=_name(admin))
    return token, rfc3339(expires_at)


def delete_other_account(
    admin: Account | None, account: Account, *, erases_messages: bool
) -> Deletion:
    """As its owner would, for ever; answers how far it came. Raises NotOneself and
    BrokerUnreachable."""
    _check_is_another(admin, account)
    with parts().database.writing() as sql:
        lock_admin(sql, admin, account)
        set_admin(sql, account, is_admin=False)
        kept = "messages erased" if erases_messages else "messages kept"
        note_act(sql, admin, "deleted", account, now(), kept)
    return delete_account(Caller(account, device=None), erases_messages=erases_messages)


def close_open_report(admin: Account | None, number: int) -> None:
    """Nothing more is to be done. Raises UnknownReport."""
    with parts().database.writing() as sql:
        reported = close_report(sql, number, now())
        note_act(sql, admin, "report closed", reported, now(), f"report {number}")
    log.info("a report is closed", report=number, by=_name(admin))


def _tell_broker(devices: Iterable[tuple[str, Device]], *, are_let_in: bool) -> None:
    """All of them, also after one of which it could not be told."""
    unreachable = None
    for name, device in devices:
        credentials = credentials_of(name, device, parts().secrets.server_keys)
        try:
            if are_let_in:
                parts().issuer.issue(credentials)
            else:
                parts().issuer.revoke(credentials.user_name)
        except BrokerUnreachable as error:
            unreachable = error
    if unreachable is not None:
        raise unreachable


def _check_is_another(admin: Account | None, account: Account) -> None:
    if admin is not None and admin.id == account.id:
        raise NotOneself


def _name(admin: Account | None) -> str:
    return admin.name if admin else "the command line"
