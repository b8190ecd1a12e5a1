"""The archive's last step: for whose browsers there is something to tell while no page is open.

Only noted here, in the same transaction; `push` tells it. Nothing is noted of accounts without a
push subscription, which most batches are about: two statements find that out.
"""

from bridge import statements
from bridge.intake import MoveCursor, Send
from bridge.transaction import News, Transaction
from chat.payloads import ReceiptRecord


def note_what_to_tell(
    batch: Transaction, sends: list[tuple[int, Send]], moves: list[tuple[int, MoveCursor]]
) -> None:
    """New messages to their recipients, and what was read to who has read it."""
    new = {
        (batch.conversations[batch.key(send)][0], batch.account_ids[send.to], batch.now_ms)
        for position, send in sends
        if (news := batch.news[position]) is not None and news.stored and send.to != send.account
    }
    read = {
        (batch.conversations[batch.key(move)][0], batch.account_ids[move.account], batch.now_ms)
        for position, move in moves
        if move.verb == "read" and _is_receipt(batch.news[position])
    }
    batch.change(statements.NOTIFY, sorted(new))
    batch.change(statements.NOTIFY_OF_READING, sorted(read))


def _is_receipt(news: News | None) -> bool:
    return news is not None and isinstance(news.record, ReceiptRecord)
