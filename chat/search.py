"""Searching: which texts of an account's own conversations say all of some words, the newest first.

Candidates come from the index (`finding.py`), and from what is not in it yet; each is then read as
it is now and looked at once more. So nothing is found that was edited away or unsent, however far
behind the index is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Row, func, text
from sqlmodel import Session, col, select

from chat.accounts import account_named
from chat.changes import Place, as_it_is_now, changes_in
from chat.errors import NotAcceptable, UnknownAccount, WrongCursor
from chat.finding import Candidates, Question, candidates
from chat.folding import folded, matches, token_of, words_of
from chat.indexing import LARGEST_ID, first_id, search_id
from chat.models import Account, Conversation, Member, Message, SearchProgress
from chat.payloads import MessageRecord
from chat.records import COLUMNS, WANTED, record_of, wanted
from chat.times import milliseconds

QUERY_CHARACTERS = 200
MOST_WORDS = 10
SEARCH_LIMIT = 50
SEARCH_DEFAULT = 20
# So many messages that are not in the index yet are looked at one by one.
_TAIL = 2_000
_BEFORE_HIT, _SNIPPET = 40, 160

# Each is looked up by the primary key: SQLite takes tables in the order of a CROSS JOIN.
_AT = f"""
SELECT message.conversation_id, {COLUMNS} FROM {{wanted}} CROSS JOIN message
WHERE message.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
  AND message.seq = CAST(wanted.value ->> 1 AS BIGINT) AND message.kind = 'text'
"""  # noqa: S608  nothing but words of ours
_TEXTS = {dialect: text(_AT.format(wanted=table)) for dialect, table in WANTED.items()}


class Piece(Struct, frozen=True):
    """A stretch of a text, and whether it is what was looked for."""

    text: str
    match: bool


class FoundMessage(MessageRecord, frozen=True, omit_defaults=True, kw_only=True):
    """A text as it is now, and the part of it around what was looked for, in pieces."""

    snippet: list[Piece]


@dataclass(frozen=True)
class Found:
    """Newest first. `cursor` is for the next page, if there is one. Not `complete`: the words are
    too short for the index, so only the newest texts were looked at."""

    messages: list[FoundMessage]
    more: bool
    cursor: str | None
    complete: bool


def search(
    session: Session,
    *,
    account: Account,
    query: str,
    peer: str | None = None,
    after: datetime | None = None,
    before: datetime | None = None,
    cursor: str | None = None,
    limit: int = SEARCH_DEFAULT,
) -> Found:
    """At most `limit` texts with all the words, stored from `after` on and before `before`.

    Raises NotAcceptable for the query and the times, WrongCursor, and UnknownAccount for the peer.
    """
    words = _words(query)
    if not 1 <= limit <= SEARCH_LIMIT:
        raise WrongCursor("limit", f"must be a whole number from 1 to {SEARCH_LIMIT}")
    if after is not None and before is not None and after >= before:
        raise NotAcceptable("before", "must be later than after")
    members = [account] if peer is None else [account, _peer(session, peer)]
    question = Question(
        account_id=_id(account),
        conversations=_conversations(session, members),
        tokens=[token_of(_id(member)) for member in members],
        words=words,
        first=0 if after is None else first_id(milliseconds(after)),
        below=min(
            LARGEST_ID if before is None else first_id(milliseconds(before)),
            LARGEST_ID if cursor is None else _below(cursor),
        ),
        most=limit + 1,
    )
    if not question.conversations:
        return Found([], more=False, cursor=None, complete=True)
    tail = _tail(session, question)
    found = candidates(session, question)
    return _page(session, question, account, found, tail, limit)


def _words(query: str) -> list[str]:
    if len(query) > QUERY_CHARACTERS:
        raise NotAcceptable("q", f"must be at most {QUERY_CHARACTERS} characters long")
    words = words_of(query)
    if not words:
        raise NotAcceptable("q", "must say what to look for")
    if len(words) > MOST_WORDS:
        raise NotAcceptable("q", f"must be at most {MOST_WORDS} words")
    return words


def _peer(session: Session, name: str) -> Account:
    found = account_named(session, name)
    if found is None:
        raise UnknownAccount(name)
    return found


def _id(account: Account) -> int:
    assert account.id is not None
    return account.id


def _below(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 19):
        raise WrongCursor("cursor", "must be that of an answer")
    return min(int(cursor), LARGEST_ID)


def _conversations(session: Session, members: Sequence[Account]) -> list[int]:
    """Those in which all of them are."""
    ids = {_id(member) for member in members}
    of_all = (
        select(Member.conversation_id)
        .where(col(Member.account_id).in_(ids))
        .group_by(col(Member.conversation_id))
        .having(func.count() == len(ids))
    )
    return list(session.exec(of_all))


def _tail(session: Session, question: Question) -> dict[Place, int]:
    """Texts that were said or edited since the index was last brought up to date, and their ids;
    of very many, the newest."""
    done = func.coalesce(SearchProgress.seq, 0)
    behind = session.exec(
        select(Conversation.id, done)
        .join(SearchProgress, col(SearchProgress.conversation_id) == Conversation.id, isouter=True)
        .where(col(Conversation.id).in_(question.conversations), col(Conversation.last_seq) > done)
    ).all()
    rows: list[Message] = []
    for conversation_id, seq in behind:
        rows += session.exec(
            select(Message)
            .where(
                Message.conversation_id == conversation_id,
                Message.seq > seq,
                col(Message.kind).in_(("text", "edit")),
            )
            .order_by(col(Message.seq).desc())
            .limit(_TAIL - len(rows))
        )
        if len(rows) == _TAIL:
            break
    places = {
        (row.conversation_id, row.target_seq or row.seq)
        for row in rows
        if _says_all(row.body, question.words)
    }
    texts = _texts(session, places)
    ids = {place: search_id(*place, stored_ms=row.stored_at) for place, row in texts.items()}
    return {place: id for place, id in ids.items() if question.first <= id < question.below}


def _says_all(text: str, words: list[str]) -> bool:
    within = folded(text)
    return all(word in within for word in words)


def _page(
    session: Session,
    question: Question,
    account: Account,
    found: Candidates,
    tail: dict[Place, int],
    limit: int,
) -> Found:
    """The newest of both, as far as they say it now."""
    # The index has others below the last that it gave.
    lowest = min(found.ids.values()) if found.has_more else 0
    ids = {**{place: id for place, id in tail.items() if id >= lowest}, **found.ids}
    newest_first = sorted(ids, key=lambda place: ids[place], reverse=True)
    records = _records(session, account, newest_first)
    hits = []
    for place in newest_first:
        record = records.get(place)
        if record is None or not _says_all(record.text, question.words):
            continue
        where = matches(record.text, question.words)
        hits.append((ids[place], _with_snippet(record, where)))
        if len(hits) > limit:
            break
    shown = hits[:limit]
    # The index has given all that it was asked for: there may be others below, even where what it
    # gave says something else by now.
    more = len(hits) > limit or found.has_more
    last = shown[-1][0] if len(hits) > limit else lowest
    return Found(
        [message for _, message in shown],
        more=more,
        cursor=str(last) if more else None,
        complete=found.is_complete,
    )


def _with_snippet(record: MessageRecord, where: list[tuple[int, int]]) -> FoundMessage:
    begin = max(0, where[0][0] - _BEFORE_HIT)
    begin = 0 if begin < _BEFORE_HIT else begin
    end = min(len(record.text), max(begin + _SNIPPET, where[0][1]))
    pieces = []
    at = begin
    for first, last in where:
        if first >= end:
            break
        pieces += [Piece(record.text[at:first], match=False)]
        pieces += [Piece(record.text[first : min(last, end)], match=True)]
        at = min(last, end)
    pieces.append(Piece(record.text[at:end], match=False))
    if begin > 0:
        pieces.insert(0, Piece("…", match=False))
    if end < len(record.text):
        pieces.append(Piece("…", match=False))
    return FoundMessage(**asdict(record), snippet=[piece for piece in pieces if piece.text])


def _texts(session: Session, places: Iterable[Place]) -> dict[Place, Row[Any]]:
    """The rows of these texts, by their places; those that are no texts are left out."""
    statement = _TEXTS[session.get_bind().dialect.name]
    rows = session.connection().execute(statement, {"wanted": wanted(places)})
    return {(row[0], row[1]): row for row in rows}


def _records(
    session: Session, account: Account, places: Sequence[Place]
) -> dict[Place, MessageRecord]:
    """These texts as they are now, by their places."""
    texts = _texts(session, places)
    peers = _peers(session, account, {conversation for conversation, _ in texts})
    changes = changes_in(session, [(conversation, seq, seq) for conversation, seq in texts])
    records = {}
    for place, found in texts.items():
        conversation, *row = tuple(found)
        peer = peers[conversation]
        names = {account.id: account.name, peer.id: peer.name}
        to = {account.id: peer.name, peer.id: account.name}[row[1]]
        record = record_of(row, conversation, names[row[1]], to)
        records[place] = as_it_is_now(record, changes.get(place, ()), names)
    return records


def _peers(session: Session, account: Account, conversations: set[int]) -> dict[int, Account]:
    if not conversations:
        return {}
    others = (
        select(Member.conversation_id, Account)
        .join(Account, col(Account.id) == Member.account_id)
        .where(col(Member.conversation_id).in_(conversations), col(Member.account_id) != account.id)
    )
    return {row[0]: row[1] for row in session.exec(others)}
