"""Who has given the right password, and owes the code of the second factor.

That is kept in the session's cookie, which is signed: it says whose password was right, and when.
It logs nobody in, and is worth nothing after five minutes, or once the password is another.
"""

from datetime import timedelta

from flask import session

from chat.digests import digest_of
from chat.models import Account
from chat.times import milliseconds, now
from web.parts import parts

LASTS = timedelta(minutes=5)
_KEY = "half_way"


def begin_half_way(account: Account) -> None:
    """The password of this account was right just now."""
    session[_KEY] = [account.id, digest_of(account.password_hash), milliseconds(now())]


def half_way_account() -> Account | None:
    """Whose password was right a moment ago, and still is."""
    if _KEY not in session:
        return None
    account_id, digest, at = session[_KEY]
    if milliseconds(now()) - at > LASTS / timedelta(milliseconds=1):
        return None
    with parts().database.reading() as sql:
        account = sql.get(Account, account_id)
    if account is None or account.deleted_at is not None or account.disabled_at is not None:
        return None
    return account if digest_of(account.password_hash) == digest else None
