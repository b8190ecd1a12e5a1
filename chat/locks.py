"""One at a time, where many come at once about one account."""

from sqlmodel import Session, select

from chat.errors import AccountDisabled, UnknownAccount
from chat.models import Account


def lock_enabled(session: Session, account: Account) -> None:
    """Nobody disables or deletes the account, or counts what is its own, until the transaction's
    end; who counts after it counts what the others have added. (SQLite has one writer at a time
    anyway.) Raises AccountDisabled when somebody has disabled it, and UnknownAccount."""
    row = select(Account).where(Account.id == account.id).with_for_update(key_share=True)
    found = session.exec(row.execution_options(populate_existing=True)).one_or_none()
    if found is None or found.deleted_at is not None:
        raise UnknownAccount(account.name)
    if found.disabled_at is not None:
        raise AccountDisabled
