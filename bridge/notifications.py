"""The archive's last step: for whose browsers there is something to tell while no page is open.

Only noted here, in the same transaction; `push` tells it. Nothing is noted of accounts without a
push subscription, which most batches are about: two statements find that out.
"""

from bridge import statements
from bridge.intake import MoveCursor, Post
from bridge.transaction import News, Transaction
from chat.payloads import ReceiptRecord

_Noted = set[tuple[int, int, int]]  # conversation, account, time


def note_what_to_tell(
    batch: Transaction, posts: list[tuple[int, Post]], moves: list[tuple[int, MoveCursor]]
) -> None:
    """New texts to their recipients, and what was unsent, or read by whom they were told."""
    new: _Noted = set()
    gone: _Noted = set()
    for position, post in posts:
        news = batch.news[position]
        if news is None or not news.stored or post.to == post.account:
            continue
        if batch.ids(post) in batch.requests:  # strangers wake nobody
            continue
        if post.kind in ("text", "unsend"):
            noted = new if post.kind == "text" else gone
            noted.add(_place(batch, post, post.to))
    for position, move in moves:
        if move.verb == "read" and _is_receipt(batch.news[position]):
            gone.add(_place(batch, move, move.account))
    batch.change(statements.NOTIFY, sorted(new))
    batch.change(statements.NOTIFY_WHO_WAS_TOLD, sorted(gone))


def _place(batch: Transaction, command: Post | MoveCursor, account: str) -> tuple[int, int, int]:
    conversation, _ = batch.conversations[batch.key(command)]
    return conversation, batch.account_ids[account], batch.now_ms


def _is_receipt(news: News | None) -> bool:
    return news is not None and isinstance(news.record, ReceiptRecord)
