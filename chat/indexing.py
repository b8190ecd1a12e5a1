"""The index of texts follows the archive: batch by batch, whoever has time for it.

The bridge knows nothing of it, and does not pay for it: with a trigger on `message`, each one would
cost it 55 µs of CPU on SQLite, as much as all else that it does, and on PostgreSQL 130 µs
(November 2026, 2 cores). How far each conversation is in the index is a row of its own
(`search_progress`); what is not in it yet is found all the same (`search.py`). An edit replaces
what is found, an unsend takes it away, as the log has them. Nothing else tells the index of a
change, as on SQLite no transaction changes both: who empties or deletes what was said has it
forgotten here afterwards.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, delete, insert, select

from chat.database import Database
from chat.engines import is_locked
from chat.folding import folded, token_of
from chat.models import Conversation, Member, Message, SearchProgress, SearchText
from chat.times import milliseconds

# As many messages as one transaction takes in, and as many texts as are added in one go: 50 ms and
# one of CPU (November 2026, 2 cores).
BATCH = 1_000
_AT_ONCE = 20
# Of an id, what tells apart the texts of one millisecond; the rest lasts until 2109.
ID_BITS = 21
LARGEST_ID = 2**63 - 1
# What is asked of a message.
_SEARCHED: tuple[Any, ...] = (
    Message.seq,
    Message.kind,
    Message.body,
    Message.target_seq,
    Message.stored_at,
)
# The word of the index among PostgreSQL's advisory locks.
_LOCK = int.from_bytes(b"search")


def index_messages(
    database: Database, *, most: int = BATCH, rest: Callable[[], None] = lambda: None
) -> int:
    """Take in at most so many messages that are not in the index yet; how many there were. `rest`
    is called after each piece of the work, of a millisecond or so.

    None also while another does so. Raises SQLAlchemyError.
    """
    with database.searching() as session:  # most often there is nothing, and nobody is locked out
        if not _behind(session, 1):
            return 0
    try:
        with database.indexing(durable=False) as session:
            return _take_in(session, most, rest) if _is_our_turn(session) else 0
    except OperationalError as error:
        if is_locked(error):
            return 0
        raise


def search_id(conversation_id: int, seq: int, *, stored_ms: int) -> int:
    """Of two texts the later one has the higher id; of one millisecond, those of a conversation
    stand side by side, apart from those of others."""
    conversation = zlib.crc32(b"%d" % conversation_id)
    return first_id(stored_ms) | (conversation + seq) % (1 << ID_BITS)


def first_id(stored_ms: int) -> int:
    """Below it is all that was stored before this millisecond. Ids have 64 bits, which is enough
    for some centuries; what lies beyond them is their end."""
    return max(0, min(stored_ms << ID_BITS, LARGEST_ID))


def forget_emptied_texts(database: Database, conversation_id: int, *, sender_id: int) -> None:
    """Texts of that sender that are empty by now are found no more. May be done again."""
    after = 0
    while True:
        emptied = select(Message.seq).where(
            Message.conversation_id == conversation_id,
            Message.seq > after,
            col(Message.sender_id) + 0 == sender_id,  # by seq, not by who sent it
            Message.body == "",
        )
        of_these = (SearchText.conversation_id == conversation_id, col(SearchText.seq).in_(emptied))
        with database.indexing() as session:
            _wait_for_our_turn(session)
            found = select(SearchText.seq).where(*of_these).order_by(col(SearchText.seq))
            seqs = session.exec(found.limit(BATCH)).all()
            _remove(session, conversation_id, seqs)
        if len(seqs) < BATCH:
            return
        after = seqs[-1]


def forget_texts_up_to(database: Database, conversation_id: int, seq: int) -> None:
    """They are no longer kept, and are found no more. May be done again."""
    gone = (SearchText.conversation_id == conversation_id, col(SearchText.seq) <= seq)
    while True:
        with database.indexing() as session:
            _wait_for_our_turn(session)
            found = select(SearchText.seq).where(*gone).order_by(col(SearchText.seq))
            seqs = session.exec(found.limit(BATCH)).all()
            _remove(session, conversation_id, seqs)
        if len(seqs) < BATCH:
            return


def forget_conversation(database: Database, conversation_id: int) -> None:
    """It was deleted, and is found no more. May be done again."""
    with database.indexing() as session:
        _wait_for_our_turn(session)
        for table in (SearchText, SearchProgress):
            session.exec(delete(table).where(col(table.conversation_id) == conversation_id))


def forget_what_is_ahead(database: Database) -> None:
    """Conversations of which the index has more than the archive are made anew: the archive was
    put back as it was before, and the index was not."""
    last = func.coalesce(Conversation.last_seq, 0)
    ahead = (
        select(SearchProgress.conversation_id)
        .join(Conversation, col(Conversation.id) == SearchProgress.conversation_id, isouter=True)
        .where(col(SearchProgress.seq) > last)
    )
    with database.searching() as session:
        found = session.exec(ahead).all()
    for conversation_id in found:
        forget_conversation(database, conversation_id)


def _wait_for_our_turn(session: Session) -> None:
    """Until nobody indexes what was read before."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def _is_our_turn(session: Session) -> bool:
    if session.get_bind().dialect.name == "sqlite":
        return True  # who writes has the whole file to itself
    locked = session.connection().execute(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))
    return bool(locked.scalar_one())


def _take_in(session: Session, most: int, rest: Callable[[], None]) -> int:
    left = most
    for conversation_id, seq, last_seq in _behind(session, most):
        indexed = _index_some(session, conversation_id, after=seq, most=left, rest=rest)
        if not indexed:  # of what is there more by its number, nothing is kept any longer
            _note_progress(session, conversation_id, last_seq)
        left -= indexed
        if left <= 0:
            break
    return most - left


def _behind(session: Session, most: int) -> Sequence[tuple[int, int, int]]:
    """Conversations with messages that are not in the index, how far each is, and how far it
    goes."""
    done = func.coalesce(SearchProgress.seq, 0)
    return session.execute(
        select(Conversation.id, done, Conversation.last_seq)
        .join(SearchProgress, col(SearchProgress.conversation_id) == Conversation.id, isouter=True)
        .where(col(Conversation.last_seq) > done)
        .limit(most)
    ).all()


def _index_some(
    session: Session, conversation_id: int, *, after: int, most: int, rest: Callable[[], None]
) -> int:
    found = session.execute(
        select(*_SEARCHED)
        .where(Message.conversation_id == conversation_id, Message.seq > after)
        .order_by(col(Message.seq))
        .limit(most)
    ).all()
    if not found:
        return 0
    now_saying: dict[int, str] = {}
    changed = set()
    for message in found:
        if message.kind == "text":
            now_saying[message.seq] = message.body
        elif message.kind in ("edit", "unsend") and message.target_seq is not None:
            now_saying[message.target_seq] = message.body
            changed.add(message.target_seq)
    _remove(session, conversation_id, changed)
    known = {message.seq: message for message in found}
    rest()
    _add(session, conversation_id, now_saying, known, rest)
    _note_progress(session, conversation_id, found[-1].seq)
    return len(found)


def _remove(session: Session, conversation_id: int, seqs: Iterable[int]) -> None:
    seqs = sorted(seqs)
    for begin in range(0, len(seqs), BATCH):
        session.exec(
            delete(SearchText).where(
                col(SearchText.conversation_id) == conversation_id,
                col(SearchText.seq).in_(seqs[begin : begin + BATCH]),
            )
        )


def _add(
    session: Session,
    conversation_id: int,
    saying: dict[int, str],
    known: dict[int, Row[Any]],
    rest: Callable[[], None],
) -> None:
    saying = {seq: said for seq, said in saying.items() if said}
    if not saying:
        return
    earlier = [seq for seq in saying if seq not in known]
    if earlier:
        known = known | {
            message.seq: message
            for message in session.execute(
                select(*_SEARCHED).where(
                    Message.conversation_id == conversation_id, col(Message.seq).in_(earlier)
                )
            )
        }
    # A text that was emptied stays so, whatever an edit before that said.
    ids = {
        seq: search_id(conversation_id, seq, stored_ms=milliseconds(known[seq].stored_at))
        for seq in saying
        if seq in known and known[seq].body
    }
    _tell_apart(session, ids)
    tokens = tokens_of(session, conversation_id)
    rows = [
        {
            "id": id,
            "conversation_id": conversation_id,
            "seq": seq,
            "folded": f"{tokens} {folded(saying[seq])}",
        }
        for seq, id in ids.items()
    ]
    for begin in range(0, len(rows), _AT_ONCE):
        session.execute(insert(SearchText), rows[begin : begin + _AT_ONCE])
        rest()


def tokens_of(session: Session, conversation_id: int) -> str:
    """Those who may find what is said in the conversation."""
    of_conversation = select(Member.account_id).where(Member.conversation_id == conversation_id)
    return " ".join(map(token_of, session.exec(of_conversation.order_by(col(Member.account_id)))))


def _tell_apart(session: Session, ids: dict[int, int]) -> None:
    """Where two would have one id, the next one that is free is taken."""
    while True:
        seen: set[int] = set(
            session.exec(select(SearchText.id).where(col(SearchText.id).in_(ids.values())))
        )
        is_clear = not seen
        for seq, id in ids.items():
            while id in seen:
                id += 1
                is_clear = False
            seen.add(id)
            ids[seq] = id
        if is_clear:
            return


def _note_progress(session: Session, conversation_id: int, seq: int) -> None:
    dialect = session.get_bind().dialect.name
    insert_or = (sqlite if dialect == "sqlite" else postgresql).insert(SearchProgress)
    session.execute(
        insert_or.values(conversation_id=conversation_id, seq=seq).on_conflict_do_update(
            index_elements=["conversation_id"], set_={"seq": seq}
        )
    )
