"""What a member prefers for a conversation: to mute it, to put it aside, to see it above others,
and for how long its messages are to be kept.

A page follows it, and the list tells it; messages are delivered all the same. The last one alone
concerns the other member too (`retention.py`).
"""

from typing import Any

from msgspec import UNSET, UnsetType
from sqlmodel import Session, col, select, update

from chat.accounts import account_named
from chat.conversations import ConversationSummary, conversations_of, direct_conversation
from chat.errors import NotAcceptable, UnknownAccount, UnknownConversation
from chat.fields import MOST_DAYS
from chat.models import Account, Conversation, Member


def change_preferences(
    session: Session,
    account: Account,
    peer: str,
    *,
    muted: bool | None = None,
    archived: bool | None = None,
    pinned: bool | None = None,
    keep_days: int | UnsetType | None = UNSET,
    installation_days: int | None = None,
) -> ConversationSummary:
    """The conversation's line after what is given was changed; None for `keep_days` is for ever.

    Raises NotAcceptable, UnknownAccount for the peer, and UnknownConversation for two who never
    wrote. What is read is of this one conversation alone: on SQLite nobody else writes meanwhile.
    """
    if isinstance(keep_days, int) and not 1 <= keep_days <= MOST_DAYS:
        raise NotAcceptable("keep_days", f"must be from 1 to {MOST_DAYS}, or null")
    other = account_named(session, peer)
    if other is None:
        raise UnknownAccount(peer)
    conversation = direct_conversation(session, account, other)
    if conversation is None:
        raise UnknownConversation(peer)
    changes: dict[str, Any] = {
        name: value for name, value in (("muted", muted), ("pinned", pinned)) if value is not None
    }
    if muted is not None and archived is None:
        # What had come back by itself stays here, and what is put aside stays there.
        [line] = conversations_of(session, account, peer=other)
        archived = line.archived
    if archived is not None:
        newest = select(Conversation.last_seq).where(Conversation.id == conversation.id)
        changes["archived_seq"] = newest.scalar_subquery() if archived else None
    if keep_days is not UNSET:
        changes["keep_days"] = keep_days
    if changes:
        membership = (
            col(Member.conversation_id) == conversation.id,
            col(Member.account_id) == account.id,
        )
        session.exec(update(Member).where(*membership).values(**changes))
    [line] = conversations_of(session, account, peer=other, installation_days=installation_days)
    return line
