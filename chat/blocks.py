"""Blocks: of whom an account does not want to hear. The bridge goes by the same table.

Whoever is blocked is refused, and neither of both is told whether the other is online.
"""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select

from chat.accounts import account_named
from chat.database import Database
from chat.errors import NotAcceptable, UnknownAccount
from chat.models import Account, Block


def block(database: Database, account: Account, name: str, now: datetime) -> None:
    """Hear of that account no more; a second call changes nothing.

    Raises UnknownAccount, and NotAcceptable for oneself.
    """
    assert account.id is not None
    if name == account.name:
        raise NotAcceptable("account", "must be another; you cannot block yourself")
    with database.reading() as session:
        blocked_id = _id_of(session, name)
        if session.get(Block, (account.id, blocked_id)) is not None:
            return
    try:
        with database.writing() as session:
            session.add(Block(account_id=account.id, blocked_id=blocked_id, created_at=now))
    except IntegrityError:  # another tab has done it since we looked
        return


def unblock(session: Session, account: Account, name: str) -> None:
    """Hear of it again; a second call changes nothing. Raises UnknownAccount."""
    of_account = col(Block.account_id) == account.id
    session.exec(delete(Block).where(of_account, col(Block.blocked_id) == _id_of(session, name)))


def blocks_of(session: Session, account: Account) -> list[tuple[Account, datetime]]:
    """Whom the account has blocked, and since when; by name."""
    found = session.exec(
        select(Account, Block.created_at)
        .join(Block, col(Block.blocked_id) == Account.id)
        .where(Block.account_id == account.id)
        .order_by(Account.name)
    )
    return [(blocked, created_at) for blocked, created_at in found]


def _id_of(session: Session, name: str) -> int:
    found = account_named(session, name)
    if found is None or found.deleted_at is not None:
        raise UnknownAccount(name)
    assert found.id is not None
    return found.id
