"""Message requests: a stranger's first messages, until the recipient has answered or accepted.

Only who wants it is asked (`asks_first`), and only for persons who begin a conversation. The
messages are there to be read; the stranger is told nothing of the recipient meanwhile, no browser
is notified, and after a few messages more are refused. The bridge makes a request and ends it with
the answer; here it is accepted without one.
"""

from sqlalchemy import or_
from sqlmodel import Session, col, delete

from chat.accounts import account_named
from chat.conversations import ConversationSummary, conversations_of, direct_conversation
from chat.errors import UnknownAccount, UnknownConversation
from chat.models import Account, MessageRequest

# So many messages may say who one is, and what one wants.
MOST_MESSAGES = 5


def accept(
    session: Session, account: Account, peer: str, *, installation_days: int | None = None
) -> ConversationSummary:
    """The conversation's line, with nothing standing between the two; also when it was so already.

    Raises UnknownAccount for the peer, and UnknownConversation for two who never wrote.
    """
    other = account_named(session, peer)
    if other is None:
        raise UnknownAccount(peer)
    if direct_conversation(session, account, other) is None:
        raise UnknownConversation(peer)
    of_account = col(MessageRequest.account_id) == account.id
    by_other = col(MessageRequest.sender_id) == other.id
    session.exec(delete(MessageRequest).where(of_account, by_other))
    [line] = conversations_of(session, account, peer=other, installation_days=installation_days)
    return line


def forget_requests(session: Session, account_id: int) -> None:
    """The account asks nobody any more, and nobody asks it."""
    either = or_(
        col(MessageRequest.account_id) == account_id, col(MessageRequest.sender_id) == account_id
    )
    session.exec(delete(MessageRequest).where(either))
