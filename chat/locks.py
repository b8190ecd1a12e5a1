"""Counting what is an account's own, where many come at once for the last place."""

from sqlmodel import Session, col, select

from chat.models import Account


def count_alone(session: Session, account: Account) -> None:
    """Until the transaction's end nobody else comes past this for the same account: who counts
    after it counts what the others have added. (SQLite has one writer at a time anyway.)"""
    of_account = select(Account.id).where(col(Account.id) == account.id)
    session.exec(of_account.with_for_update(key_share=True)).one()
