"""Logins: each time somebody logged in with a browser, until it is ended.

The cookie carries only the id of one, so that logging out, or revoking the browser's device from
elsewhere, ends every copy of the cookie too. All changes are single statements: a login may be
ended at any moment, by another tab or another worker.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, col, delete, select, update

from chat.digests import digest_of
from chat.errors import UnknownLogin
from chat.models import Account, Device, Login

LASTS = timedelta(days=30)
# A page that opens need not wait for a write each time.
PROLONGED_EVERY = timedelta(days=1)

# Built once: to build it costs more than to run it.
_LOGIN = (
    select(Account, Device, Login.seen_at)
    .join(Login, col(Login.account_id) == Account.id)
    .join(Device, col(Device.id) == Login.device_id, isouter=True)
    .where(Login.id == bindparam("login"), col(Login.seen_at) > bindparam("seen_after"))
)


def begin_login(session: Session, account: Account, now: datetime, *, browser: str) -> Login:
    """A new login of a browser that is called so, without a device yet. Those that nobody has used
    for long are forgotten."""
    assert account.id is not None
    session.exec(delete(Login).where(col(Login.seen_at) < now - LASTS))
    login = Login(
        id=secrets.token_urlsafe(24),
        account_id=account.id,
        begun_at=now,
        seen_at=now,
        browser=browser,
    )
    session.add(login)
    return login


def find_login(
    session: Session, login_id: str, now: datetime
) -> tuple[Account, Device | None, datetime] | None:
    """The account of the login, its browser's device, and when it was made to last longer; None
    when it was ended or is old."""
    asked = {"login": login_id, "seen_after": now - LASTS}
    found = session.execute(_LOGIN, asked).first()
    return None if found is None else (found[0], found[1], found[2])


def logins_of(session: Session, account: Account, now: datetime) -> list[tuple[Login, datetime]]:
    """The account's logins, newest first, each with when its browser was last seen: to the minute
    where it has a device, to the day where it has none."""
    found = session.exec(
        select(Login, Device.last_used_at)
        .join(Device, col(Device.id) == Login.device_id, isouter=True)
        .where(Login.account_id == account.id, col(Login.seen_at) > now - LASTS)
        .order_by(col(Login.begun_at).desc(), Login.id)
    )
    return [(login, max(login.seen_at, used_at or login.seen_at)) for login, used_at in found]


def login_of(session: Session, account: Account, digest: str) -> Login:
    """The account's login whose id has this digest. Raises UnknownLogin, also for another's."""
    for login in session.exec(select(Login).where(Login.account_id == account.id)):
        if digest_of(login.id) == digest:
            return login
    raise UnknownLogin(digest)


def bind_login(session: Session, login_id: str, device: Device) -> None:
    """Make the device that of the login's browser: the login ends with it."""
    session.exec(update(Login).where(col(Login.id) == login_id).values(device_id=device.id))


def is_prolonged(seen_at: datetime, now: datetime) -> bool:
    """Whether it was not long ago that it was made to last longer: to the day is enough."""
    return now - seen_at < PROLONGED_EVERY


def prolong_login(session: Session, login_id: str, now: datetime) -> None:
    """Let it last from now on."""
    session.exec(update(Login).where(col(Login.id) == login_id).values(seen_at=now))


def end_login(session: Session, login_id: str) -> None:
    """It is worth nothing from now on; a second call changes nothing."""
    session.exec(delete(Login).where(col(Login.id) == login_id))


def end_logins(session: Session, account: Account, *, but: str | None = None) -> list[str | None]:
    """End all of the account's logins, but that one; answers the browser's device of each, which is
    not forgotten here."""
    of_account = [col(Login.account_id) == account.id]
    if but is not None:
        of_account.append(col(Login.id) != but)
    devices = list(session.exec(select(Login.device_id).where(*of_account)))
    session.exec(delete(Login).where(*of_account))
    return devices
