"""The archive's second step: how far each member has received and read; and who is typing.

Cursors move forward only. Typing is relayed to the other member and never stored. Where one of both
hides what it has read, the other is not told; nor of typing, where one hides when it is here. Where
one has blocked the other, or is a thing that may not talk with it, neither is told anything.
"""

from bridge import statements
from bridge.intake import MoveCursor, Typing, not_allowed, refuse
from bridge.transaction import Blocked, News, Pair, Transaction
from chat.payloads import ReceiptRecord, TypingRecord

_Place = tuple[int, int]  # conversation, account


def move_cursors(
    batch: Transaction, moves: list[tuple[int, MoveCursor]], strangers: set[Pair]
) -> None:
    """Of several moves of one cursor in a batch, the last one tells the outcome to both."""
    last: dict[_Place, tuple[int, MoveCursor]] = {}
    before, hidden, apart = _cursors(batch, moves)
    cursors = dict(before)
    told_again: set[_Place] = set()
    for position, move in moves:
        place = _place(batch, position, move)
        if place is None:
            continue
        delivered, read = cursors[place]
        read = max(read, move.seq) if move.verb == "read" else read
        cursors[place] = max(delivered, move.seq), read
        last[place] = position, move
        if move.repeated:  # it may have been stored without anybody having been told
            told_again.add(place)
    moved = {place for place in last if cursors[place] != before[place]}
    batch.change(statements.MOVE_CURSORS, [(*place, *cursors[place]) for place in sorted(moved)])
    for place in moved | told_again:
        (position, move), (delivered, read) = last[place], cursors[place]
        record = ReceiptRecord(
            conversation=place[0], account=move.account, delivered=delivered, read=read
        )
        if place in apart or batch.ids(move) in strangers:
            batch.news[position] = News(record, (move.account,))
        elif place in hidden:
            # Not even when it was read, which a receipt that says nothing new would give away.
            tells = delivered > before[place][0] or place in told_again
            batch.news[position] = _hidden(record, move, tells_other=tells)
        else:
            batch.news[position] = News(record, (move.account, move.to))


def relay_typing(batch: Transaction, typings: list[tuple[int, Typing]], blocked: Blocked) -> None:
    """To the other member, where the two have a conversation, neither hides, and no block stands
    between; refused, where a thing may not talk."""
    pairs = {batch.ids(typing) for _, typing in typings}
    unheard = blocked.keys() | set(map(tuple, batch.select(statements.HIDING, list(pairs))))
    for position, typing in typings:
        if blocked.get(batch.ids(typing)) == "thing":
            batch.refuse(position, not_allowed(typing.account, typing.verb, typing.to))
            continue
        conversation = batch.conversations.get(batch.key(typing))
        is_heard = batch.ids(typing) not in unheard and not batch.is_request(typing)
        if conversation is not None and is_heard:
            record = TypingRecord(conversation=conversation[0], sender=typing.account)
            batch.news[position] = News(record, (typing.to,))


def _hidden(record: ReceiptRecord, move: MoveCursor, *, tells_other: bool) -> News:
    """All of it to the account's own devices; to the other only what it has received."""
    received = ReceiptRecord(
        conversation=record.conversation, account=record.account, delivered=record.delivered, read=0
    )
    return News(
        record, (move.account,), besides=News(received, (move.to,)) if tells_other else None
    )


def _cursors(
    batch: Transaction, moves: list[tuple[int, MoveCursor]]
) -> tuple[dict[_Place, tuple[int, int]], set[_Place], set[_Place]]:
    """Where the cursors stand; of whom the other is not told what it has read, or not anything."""
    places = {
        (conversation[0], *batch.ids(move))
        for _, move in moves
        if (conversation := batch.conversations.get(batch.key(move))) is not None
    }
    cursors: dict[_Place, tuple[int, int]] = {}
    hidden: set[_Place] = set()
    apart: set[_Place] = set()
    for conversation, account, delivered, read, hides, is_apart in batch.select(
        statements.CURSORS, list(places)
    ):
        place = conversation, account
        cursors[place] = delivered, read
        if hides:
            hidden.add(place)
        if is_apart:
            apart.add(place)
    return cursors, hidden, apart


def _place(batch: Transaction, position: int, move: MoveCursor) -> _Place | None:
    """The conversation and account whose cursor it is; refused beyond the newest message."""
    conversation, last_seq = batch.conversations.get(batch.key(move), (None, 0))
    if conversation is not None and move.seq <= last_seq:
        return conversation, batch.account_ids[move.account]
    detail = f"seq is {move.seq}, but the newest message is {last_seq}."
    batch.refuse(position, refuse(move.account, move.verb, move.to, "malformed", detail))
    return None
