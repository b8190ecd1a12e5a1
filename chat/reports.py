"""Reports: what an account tells the admins of another, with the texts that it is about.

The texts are kept as they were, also when they are unsent or erased later, until the report is
closed; with it they go.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, select, update

from chat.accounts import account_named, is_text
from chat.changes import Changes, changes_in
from chat.conversations import direct_conversation
from chat.errors import NotAcceptable, TooManyReports, UnknownAccount, UnknownReport
from chat.locks import lock_enabled
from chat.models import Account, Message, Report, ReportedMessage

REASON_CHARACTERS = 1000
MOST_MESSAGES = 20
MOST_OPEN = 20
PAGE = 50


def report(
    session: Session, reporter: Account, name: str, seqs: Sequence[int], reason: str, now: datetime
) -> int:
    """Its number. `seqs` are of texts that the other wrote to the reporter.

    Raises UnknownAccount, NotAcceptable and TooManyReports.
    """
    reported = account_named(session, name)
    if reported is None or reported.id == reporter.id:
        raise UnknownAccount(name)
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_CHARACTERS or not is_text(reason):
        raise NotAcceptable("reason", f"must be 1 to {REASON_CHARACTERS} characters long")
    if len(seqs) > MOST_MESSAGES:
        raise NotAcceptable("messages", f"must be at most {MOST_MESSAGES}")
    _check_may_report(session, reporter)
    texts = _texts(session, reporter, reported, set(seqs))
    assert reporter.id is not None
    assert reported.id is not None
    made = Report(reporter_id=reporter.id, reported_id=reported.id, reason=reason, created_at=now)
    session.add(made)
    session.flush()
    assert made.id is not None
    session.add_all(
        ReportedMessage(report_id=made.id, seq=seq, text=text, stored_at=stored_at)
        for seq, text, stored_at in texts
    )
    return made.id


def open_reports(session: Session, *, after: int = 0) -> list[tuple[Report, Account, Account]]:
    """At most one more than a page, oldest first, with who reports whom."""
    return _reports(session, col(Report.id) > after)


def open_report(session: Session, number: int) -> tuple[Report, Account, Account]:
    """One of them, with who reports whom. Raises UnknownReport."""
    found = _reports(session, col(Report.id) == number)
    if not found:
        raise UnknownReport(number)
    return found[0]


def reported_messages(session: Session, number: int) -> list[ReportedMessage]:
    """The texts of a report, as they were."""
    wanted = select(ReportedMessage).where(ReportedMessage.report_id == number)
    return list(session.exec(wanted.order_by(col(ReportedMessage.seq))))


def count_open(session: Session) -> int:
    """How many wait for an admin."""
    still_open = col(Report.closed_at).is_(None)
    return session.exec(select(func.count()).select_from(Report).where(still_open)).one()


def close_report(session: Session, number: int, now: datetime) -> Account:
    """Nothing more is to be done, and its texts are forgotten; answers who was reported. Raises
    UnknownReport."""
    _, _, reported = open_report(session, number)
    of_number = (col(Report.id) == number, col(Report.closed_at).is_(None))
    if session.exec(update(Report).where(*of_number).values(closed_at=now)).rowcount == 0:
        raise UnknownReport(number)
    session.exec(delete(ReportedMessage).where(col(ReportedMessage.report_id) == number))
    return reported


def _check_may_report(session: Session, reporter: Account) -> None:
    lock_enabled(session, reporter)
    own_open = (col(Report.reporter_id) == reporter.id, col(Report.closed_at).is_(None))
    count = select(func.count()).select_from(Report).where(*own_open)
    if session.exec(count).one() >= MOST_OPEN:
        raise TooManyReports(MOST_OPEN)


def _texts(
    session: Session, reporter: Account, reported: Account, seqs: set[int]
) -> list[tuple[int, str, datetime]]:
    """Each with what it says now, and when it was stored. Raises NotAcceptable."""
    conversation = direct_conversation(session, reporter, reported)
    found = _written_by(session, conversation.id, reported, seqs) if conversation else []
    if unknown := seqs - {message.seq for message in found}:
        raise NotAcceptable(
            "messages",
            f"must be texts that {reported.name} wrote to you, and {min(unknown)} is none",
        )
    changes = changes_in(session, [(m.conversation_id, m.seq, m.seq) for m in found])
    return [(message.seq, _text_now(message, changes), message.stored_at) for message in found]


def _written_by(
    session: Session, conversation_id: int | None, account: Account, seqs: set[int]
) -> list[Message]:
    wanted = select(Message).where(
        Message.conversation_id == conversation_id,
        col(Message.seq).in_(seqs),
        Message.sender_id == account.id,
        Message.kind == "text",
    )
    return list(session.exec(wanted))


def _text_now(message: Message, changes: Changes) -> str:
    done = changes.get((message.conversation_id, message.seq), [])
    edits = [change.text for change in done if change.kind == "edit"]
    return edits[-1] if edits and message.body else message.body


def _reports(session: Session, which: ColumnElement[bool]) -> list[tuple[Report, Account, Account]]:
    reporter, reported = aliased(Account), aliased(Account)
    wanted = (
        select(Report, reporter, reported)
        .join(reporter, col(reporter.id) == Report.reporter_id)
        .join(reported, col(reported.id) == Report.reported_id)
        .where(which, col(Report.closed_at).is_(None))
        .order_by(col(Report.id))
        .limit(PAGE + 1)
    )
    return [(each, by, of) for each, by, of in session.exec(wanted)]
