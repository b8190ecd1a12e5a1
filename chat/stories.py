"""What happened to a message, or goes on in a conversation, and when, gathered from SQL.

Facts alone; `cli/explain` puts them into words. Which bridge received something is read from the
leases: the one that held the sender's shard at that moment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from chat.models import (
    Account,
    Allowance,
    Block,
    Conversation,
    Device,
    LeaseTerm,
    Member,
    Message,
    Notification,
    PushSubscription,
    RefusedCopy,
    SearchProgress,
)
from chat.presence import online_among
from chat.references import Reference
from chat.shards import unserved_shards
from chat.things import owner_of
from chat.topics import shard_of

_CLOCKS_APART = timedelta(milliseconds=50)


@dataclass(frozen=True, kw_only=True)
class MemberStory:
    """One member, as things are now; `refused` is the message's copy that the broker did not
    take."""

    name: str
    devices: int
    online: bool
    last_seen_at: datetime | None
    deleted_at: datetime | None
    has_blocked_at: datetime | None
    # Of a thing: its owner, who does not let it talk with the other.
    kept_apart_by: str | None
    delivered_seq: int
    read_seq: int
    push_subscriptions: int
    notification: Notification | None
    refused: RefusedCopy | None
    shard: int
    # Of its shard: whether a bridge serves it now, and who held it last.
    is_served: bool
    last_term: LeaseTerm | None


@dataclass(frozen=True, kw_only=True)
class MessageStory:
    """A message, who received it, and what was done to it since."""

    message: Message
    sender: str
    term: LeaseTerm | None
    changes: list[tuple[Message, str]]
    is_searched: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    """Two members and their conversation; `message` is the one that was meant, if it is there."""

    reference: Reference
    members: tuple[MemberStory, MemberStory]
    message: MessageStory | None
    archived: int
    # The oldest that is kept; None where none is.
    first_seq: int | None
    first_at: datetime | None
    last_at: datetime | None
    not_searched: int


def story_of(session: Session, reference: Reference) -> Story:
    """All that is known of it."""
    conversation = reference.conversation
    archived, first_seq, first_at, last_at = _extent(session, conversation)
    first, second = (_member(session, reference, account) for account in reference.members)
    return Story(
        reference=reference,
        members=(first, second),
        message=_message(session, reference),
        archived=archived,
        first_seq=first_seq,
        first_at=first_at,
        last_at=last_at,
        not_searched=_not_searched(session, conversation),
    )


def _extent(
    session: Session, conversation: Conversation | None
) -> tuple[int, int | None, datetime | None, datetime | None]:
    if conversation is None:
        return 0, None, None, None
    stored = select(
        func.count(),
        func.min(Message.seq),
        func.min(Message.stored_at),
        func.max(Message.stored_at),
    )
    return session.exec(stored.where(Message.conversation_id == conversation.id)).one()


def _not_searched(session: Session, conversation: Conversation | None) -> int:
    if conversation is None or conversation.id is None:
        return 0
    return max(0, conversation.last_seq - _searched_up_to(session, conversation.id))


def _member(session: Session, reference: Reference, account: Account) -> MemberStory:
    first, second = reference.members
    other = second if account.id == first.id else first
    assert account.id is not None
    shard = shard_of(account.name)
    block = session.get(Block, (account.id, other.id))
    id = reference.conversation.id if reference.conversation is not None else None
    place = None if id is None else session.get(Member, (id, account.id))
    refused = session.get(RefusedCopy, (id, reference.seq, account.id))
    return MemberStory(
        name=account.name,
        devices=_how_many(session, Device, account.id),
        online=account.id in online_among(session, {account.id}),
        last_seen_at=account.last_seen_at,
        deleted_at=account.deleted_at,
        has_blocked_at=None if block is None else block.created_at,
        kept_apart_by=_kept_apart_by(session, account, other),
        delivered_seq=0 if place is None else place.delivered_seq,
        read_seq=0 if place is None else place.read_seq,
        push_subscriptions=_how_many(session, PushSubscription, account.id),
        notification=None if id is None else session.get(Notification, (id, account.id)),
        refused=refused,
        shard=shard,
        is_served=shard not in unserved_shards(session),
        last_term=_newest_term(session, shard),
    )


def _kept_apart_by(session: Session, account: Account, other: Account) -> str | None:
    owner = owner_of(session, account)
    if owner is None or owner.id == other.id:
        return None
    return owner.name if session.get(Allowance, (account.id, other.id)) is None else None


def _how_many(
    session: Session, table: type[Device] | type[PushSubscription], account_id: int
) -> int:
    counted = select(func.count()).select_from(table).where(col(table.account_id) == account_id)
    return session.exec(counted).one()


def _message(session: Session, reference: Reference) -> MessageStory | None:
    if reference.conversation is None or reference.seq is None:
        return None
    message = session.get(Message, (reference.conversation.id, reference.seq))
    if message is None:
        return None
    names = {account.id: account.name for account in reference.members}
    done = select(Message).where(
        Message.conversation_id == message.conversation_id, Message.target_seq == message.seq
    )
    sender = names[message.sender_id]
    return MessageStory(
        message=message,
        sender=sender,
        term=_term_at(session, shard_of(sender), message.stored_at),
        changes=[
            (change, names[change.sender_id])
            for change in session.exec(done.order_by(col(Message.seq)))
        ],
        is_searched=message.seq <= _searched_up_to(session, message.conversation_id),
    )


def _term_at(session: Session, shard: int, at: datetime) -> LeaseTerm | None:
    """Who held it then; None for what was archived before terms were kept. A term may seem to
    begin after what it received: its times are the database's, the message's the bridge's."""
    of_shard = select(LeaseTerm).where(LeaseTerm.shard == shard)
    begun = of_shard.where(col(LeaseTerm.began_at) <= at + _CLOCKS_APART)
    return session.exec(begun.order_by(col(LeaseTerm.number).desc()).limit(1)).first()


def _newest_term(session: Session, shard: int) -> LeaseTerm | None:
    of_shard = select(LeaseTerm).where(LeaseTerm.shard == shard)
    return session.exec(of_shard.order_by(col(LeaseTerm.number).desc()).limit(1)).first()


def _searched_up_to(session: Session, conversation_id: int) -> int:
    progress = session.get(SearchProgress, conversation_id)
    return 0 if progress is None else progress.seq
