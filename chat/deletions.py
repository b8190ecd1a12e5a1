"""Deleting an account for ever: in small steps, each of which may be done again.

What is written here is done in this order: begin, erase, forget the devices (which is `web`'s, as
the broker is told), finish. From the first step on, the account is nobody: nothing is delivered to
it, and nothing that it sent is stored any more. Whoever comes to a deletion that was cut off goes
on with it. The name stays taken, and others keep their conversations with it. An owner's things go
with the owner.
"""

import time
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select, update

from chat.accounts import NO_PASSWORD
from chat.database import Database
from chat.indexing import forget_emptied_texts
from chat.logins import end_logins
from chat.message_requests import forget_requests
from chat.models import Account, Block, Deletion, Invitation, Member, Message, Presence
from chat.password_resets import forget_reset
from chat.second_factor import turn_off
from chat.things import forget_allowances, things_of

SHOWN_AS = "Deleted account"
# As many rows as one transaction changes, so that the bridge never waits long.
_MESSAGES_AT_ONCE = 500
_CONVERSATIONS_AT_ONCE = 500
_SHORTEST_PAUSE_SECONDS = 0.005


def begin_deletion(
    session: Session,
    account: Account,
    *,
    erases_messages: bool,
    login_id: str | None,
    now: datetime,
) -> None:
    """From now on the account is nobody, and so are its things. A second call goes on with the
    first one, and may ask for more to be erased, never for less. The login is that of the browser
    that asks: it lasts until all is done, so that it can ask again."""
    assert account.id is not None
    # Locked, since two may ask at once; messages of the account are stored meanwhile.
    named = select(Account).where(Account.id == account.id).with_for_update(key_share=True)
    deleted = session.exec(named).one()
    deletion = session.get(Deletion, account.id)
    if deletion is None:
        deletion = Deletion(account_id=account.id, erases_messages=False, began_at=now)
    deletion.erases_messages |= erases_messages
    deletion.logins += len(end_logins(session, account, but=login_id))
    deletion.blocks += _forget_blocks(session, account.id)
    deletion.invitations += _forget_invitations(session, account.id)
    forget_allowances(session, account.id)
    forget_requests(session, account.id)
    forget_reset(session, account.id)
    turn_off(session, account)
    erases_messages = deletion.erases_messages
    things = things_of(session, deleted)
    deletion.things += len(things)
    for thing in (*things, *unfinished_deletions(session, owner=deleted)):
        begin_deletion(session, thing, erases_messages=erases_messages, login_id=None, now=now)
    deleted.display_name = SHOWN_AS
    deleted.last_seen_at = None
    deleted.deleted_at = deleted.deleted_at or now
    deleted.is_admin = False
    session.add_all((deleted, deletion))


def unfinished_deletions(session: Session, *, owner: Account | None = None) -> list[Account]:
    """Those accounts, or those things of an owner, whose deletion was begun, and not finished."""
    unfinished = select(Account).join(Deletion).where(col(Deletion.finished_at).is_(None))
    if owner is not None:
        unfinished = unfinished.where(Account.owner_id == owner.id)
    return list(session.exec(unfinished))


def deletion_of(session: Session, account: Account) -> Deletion:
    """How far it has come."""
    return session.get_one(Deletion, account.id)


def erase_messages(database: Database, account: Account) -> None:
    """Empty all that the account has written, if that was asked for. Chat goes on meanwhile."""
    assert account.id is not None
    with database.reading() as session:
        if not session.get_one(Deletion, account.id).erases_messages:
            return
    # Until there is nothing: on PostgreSQL, what was under way at the beginning is stored later.
    while _erase_what_is_there(database, account.id):
        pass
    for conversation in _conversations(database, account.id):
        forget_emptied_texts(database, conversation, sender_id=account.id)


def count_device(session: Session, account: Account) -> None:
    """One more of its devices was cut off and forgotten; in the same transaction."""
    of_account = col(Deletion.account_id) == account.id
    session.exec(update(Deletion).where(of_account).values(devices=col(Deletion.devices) + 1))


def finish_deletion(session: Session, account: Account, now: datetime) -> Deletion:
    """Nothing is left to do; answers what was erased. The password opens nothing any more."""
    assert account.id is not None
    deletion = session.get_one(Deletion, account.id)
    deletion.logins += len(end_logins(session, account))
    deletion.finished_at = deletion.finished_at or now
    session.add(deletion)
    session.exec(delete(Presence).where(col(Presence.account_id) == account.id))
    of_account = col(Account.id) == account.id
    session.exec(update(Account).where(of_account).values(password_hash=NO_PASSWORD))
    return deletion


def _forget_blocks(session: Session, account_id: int) -> int:
    """Its own count; those against it have nothing left to keep out."""
    session.exec(delete(Block).where(col(Block.blocked_id) == account_id))
    return session.exec(delete(Block).where(col(Block.account_id) == account_id)).rowcount


def _forget_invitations(session: Session, account_id: int) -> int:
    """Those that nobody has used."""
    unused = (col(Invitation.inviter_id) == account_id, col(Invitation.used_by_id).is_(None))
    return session.exec(delete(Invitation).where(*unused)).rowcount


# Its messages.


def _erase_what_is_there(database: Database, account_id: int) -> int:
    """How many messages were emptied, edits and reactions among them."""
    return sum(
        _erase(database, account_id, conversation, seqs)
        for conversation in _conversations(database, account_id)
        for seqs in _windows(database, account_id, conversation)
    )


def _conversations(database: Database, account_id: int) -> Iterator[int]:
    after = 0
    while True:
        with database.reading() as session:
            page = session.exec(
                select(Member.conversation_id)
                .where(Member.account_id == account_id, Member.conversation_id > after)
                .order_by(col(Member.conversation_id))
                .limit(_CONVERSATIONS_AT_ONCE)
            ).all()
        yield from page
        if not page:
            return
        after = page[-1]


def _windows(database: Database, account_id: int, conversation: int) -> Iterator[tuple[int, int]]:
    """First and last seq of as many of its messages as are emptied at once."""
    after = 0
    while True:
        with database.reading() as session:
            seqs = session.exec(
                select(Message.seq)
                .where(*_written_by(account_id, conversation), Message.seq > after)
                .order_by(col(Message.seq))
                .limit(_MESSAGES_AT_ONCE)
            ).all()
        if not seqs:
            return
        yield seqs[0], seqs[-1]
        after = seqs[-1]


def _erase(database: Database, account_id: int, conversation: int, seqs: tuple[int, int]) -> int:
    began = time.monotonic()
    written = (*_written_by(account_id, conversation), col(Message.seq).between(*seqs))
    with database.writing() as session:
        # Told is the number of texts: an edit or a reaction is no message to whoever wrote it.
        texts, others = (
            session.exec(update(Message).where(*written, which).values(body="")).rowcount
            for which in (col(Message.kind) == "text", col(Message.kind) != "text")
        )
        counted = {"messages": col(Deletion.messages) + texts}
        session.exec(update(Deletion).where(col(Deletion.account_id) == account_id).values(counted))
    # As long again it is the others' turn: SQLite has one writer, and lets no one queue up.
    time.sleep(max(time.monotonic() - began, _SHORTEST_PAUSE_SECONDS))
    return texts + others


def _written_by(account_id: int, conversation: int) -> tuple[ColumnElement[bool], ...]:
    """What is not empty yet. The sum keeps SQLite from going by senders instead of by seq, and so
    from sorting a long conversation again for each window."""
    return (
        col(Message.conversation_id) == conversation,
        col(Message.sender_id) + 0 == account_id,
        col(Message.body) != "",
    )
