"""`/api/v1/reports`: telling the admins of this server of an account."""

from typing import Annotated

import structlog
from flask import Blueprint, Response
from msgspec import Struct

from chat.errors import NotAcceptable, TooManyReports, UnknownAccount
from chat.fields import LARGEST_SEQ, AccountName, Number, shown_as
from chat.reports import MOST_MESSAGES, REASON_CHARACTERS, report
from chat.times import now
from web.answers import as_json
from web.api import PREFIX
from web.callers import person
from web.contract.operations import Callers, operation
from web.input import body_as
from web.parts import parts

reports = Blueprint("reports", __name__, url_prefix=f"{PREFIX}/reports")

log = structlog.get_logger()


_SEQ = {"type": "integer", "minimum": 1, "maximum": LARGEST_SEQ}


class NewReport(Struct, frozen=True):
    """Whom it is about, what is wrong, and which texts of theirs show it: by their `seq`."""

    account: AccountName
    reason: Annotated[str, shown_as(minLength=1, maxLength=REASON_CHARACTERS)]
    messages: Annotated[list[int], shown_as(maxItems=MOST_MESSAGES, items=_SEQ)] = []


class MadeReport(Struct, frozen=True):
    """What it is known by."""

    report: Number


@reports.post("")
@operation(
    "Report an account",
    "To those who run this server. They see who reports whom, the reason, and the texts given, as"
    " they are now, until the report is closed.",
    body=NewReport,
    answers={201: MadeReport},
    raises=(UnknownAccount, NotAcceptable, TooManyReports),
    callers=Callers.PERSONS,
)
def add() -> Response:
    """201 with its number."""
    reporter = person().account
    asked = body_as(NewReport)
    with parts().database.writing() as sql:
        number = report(sql, reporter, asked.account, asked.messages, asked.reason, now())
    log.info("an account was reported", report=number, account=asked.account)
    return as_json(MadeReport(number), 201)
