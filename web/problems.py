"""From error to answer: the one table of the site.

Programs get `application/problem+json` (RFC 9457), people a page. Nobody gets a traceback: what
nobody foresaw is logged with it, and answered with a sentence.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import structlog
from flask import Flask, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from chat.errors import (
    AccountDisabled,
    BrokerUnreachable,
    CredentialJustMade,
    InvitationNotValid,
    KatydidError,
    NameTaken,
    NoSecondFactor,
    NotAcceptable,
    NotAdminAnyMore,
    ResetNotValid,
    SecondFactorIsOn,
    ServerBusy,
    TooManyAllowed,
    TooManyDevices,
    TooManyInvitations,
    TooManyReports,
    TooManyThings,
    TooManyThingsEver,
    UnknownAccount,
    UnknownConversation,
    UnknownDevice,
    UnknownLogin,
    UnknownReport,
    UnknownThing,
    WrongCode,
    WrongPresentPassword,
)
from web.callers import is_api_call
from web.errors import (
    CodeNeeded,
    NoDeviceYet,
    NoInvitationsHere,
    NotLoggedIn,
    NotOneself,
    OnlyForAdmins,
    OnlyForBrowsers,
    OnlyForPersons,
    RegistrationClosed,
    TooManyAttempts,
    WrongPassword,
)

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = 5
_DATABASE = (503, "Database unavailable", "The database does not answer just now; try again soon.")

# What an error is answered with: status, title, and a sentence unless the error has its own.
_ANSWERS: dict[type[Exception], tuple[int, str, str | None]] = {
    NotAcceptable: (422, "Not acceptable", None),
    NameTaken: (409, "Name taken", None),
    UnknownAccount: (404, "Unknown account", None),
    UnknownConversation: (404, "Unknown conversation", None),
    UnknownDevice: (404, "Unknown device", None),
    UnknownLogin: (404, "Unknown login", None),
    UnknownThing: (404, "Unknown thing", None),
    UnknownReport: (404, "Unknown report", None),
    NoSecondFactor: (404, "No second factor", None),
    NoDeviceYet: (404, "No device yet", None),
    TooManyDevices: (422, "Too many devices", None),
    TooManyInvitations: (422, "Too many invitations", None),
    TooManyReports: (422, "Too many reports", None),
    TooManyThings: (422, "Too many things", None),
    TooManyThingsEver: (422, "Too many things", None),
    TooManyAllowed: (422, "Too many allowed", None),
    SecondFactorIsOn: (409, "Second factor is on", None),
    CredentialJustMade: (409, "Credential just made", None),
    ServerBusy: (503, "Server busy", None),
    NotLoggedIn: (401, "Not logged in", None),
    CodeNeeded: (401, "Code needed", None),
    WrongPassword: (401, "Wrong password", None),
    # Not 401, which says that nobody is logged in.
    WrongPresentPassword: (403, "Wrong present password", None),
    WrongCode: (403, "Wrong code", None),
    RegistrationClosed: (403, "Registration closed", None),
    InvitationNotValid: (403, "Invitation not valid", None),
    NoInvitationsHere: (403, "No invitations here", None),
    OnlyForBrowsers: (403, "Only for browsers", None),
    OnlyForPersons: (403, "Only for persons", None),
    OnlyForAdmins: (403, "Only for admins", None),
    NotAdminAnyMore: (403, "Not admin any more", None),
    NotOneself: (403, "Not oneself", None),
    AccountDisabled: (403, "Account disabled", None),
    ResetNotValid: (403, "Link not valid", None),
    CSRFError: (
        403,
        "Token missing",
        "The page's security token is missing or too old; load the page again.",
    ),
    TooManyAttempts: (429, "Too many attempts", None),
    BrokerUnreachable: (503, "Broker unreachable", None),
    OperationalError: _DATABASE,
    InterfaceError: _DATABASE,
    NoConnectionFree: _DATABASE,
}

# Sentences for what Flask itself finds wrong.
_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The request is too large; 64 KiB are allowed.",
    500: "Something went wrong here; it is the server's mistake, and logged there.",
}

log = structlog.get_logger()


class ProblemDetails(Struct, frozen=True):
    """What was wrong (RFC 9457). `type` tells each kind apart; `field` is the field or parameter
    that was not acceptable."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    field: str | UnsetType = UNSET


@dataclass(frozen=True)
class KindOfProblem:
    """What all answers to one kind of error have in common."""

    status: int
    title: str
    type: str = "about:blank"
    sentence: str | None = None


@dataclass(frozen=True)
class Problem:
    """An error as it is answered."""

    status: int
    title: str
    detail: str
    type: str = "about:blank"
    field: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def answer_errors(app: Flask) -> None:
    """Answer every error of every view."""
    app.register_error_handler(Exception, _answer)


def problem_of(error: Exception) -> Problem:
    """What to answer to an error."""
    kind = kind_of_problem(type(error), error.code if isinstance(error, HTTPException) else None)
    own = error.description if isinstance(error, HTTPException) else str(error)
    return Problem(
        kind.status,
        kind.title,
        kind.sentence or own or kind.title,
        type=kind.type,
        field=error.field if isinstance(error, NotAcceptable) else None,
        headers=_headers(error, kind.status),
    )


def kind_of_problem(error: type[Exception], code: int | None = None) -> KindOfProblem:
    """What every error of a class is answered with; `code` is an HTTP error's own."""
    for kind in error.__mro__:
        if kind in _ANSWERS:
            status, title, sentence = _ANSWERS[kind]
            return KindOfProblem(
                status, title, f"urn:katydid:problem:{title.lower().replace(' ', '-')}", sentence
            )
    status = code or (error.code if issubclass(error, HTTPException) else None) or 500
    return KindOfProblem(status, HTTP_STATUS_CODES[status], sentence=_SENTENCES.get(status))


def problem_types() -> set[str]:
    """All that `type` may be, beside those of HTTP itself."""
    return {kind_of_problem(error).type for error in _ANSWERS}


def _answer(error: Exception) -> ResponseReturnValue:
    if isinstance(error, NotLoggedIn) and not wants_json():
        return redirect(url_for("login", next=_this_page()))
    problem = problem_of(error)
    if problem.status >= 500:
        _log_failure(error, problem)
    response = _as_json(problem) if wants_json() else _as_page(problem)
    response.headers.update(problem.headers)
    return response


def wants_json() -> bool:
    """Whether the answer is for a program: below `/api`, and wherever JSON is asked for."""
    wanted = request.accept_mimetypes
    best = wanted.best_match(["text/html", "application/json", "application/problem+json"])
    return is_api_call() or best not in (None, "text/html")


def _as_json(problem: Problem) -> Response:
    details = ProblemDetails(
        type=problem.type,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        field=UNSET if problem.field is None else problem.field,
    )
    return Response(msgspec.json.encode(details), problem.status, mimetype=MEDIA_TYPE)


def _as_page(problem: Problem) -> Response:
    return Response(render_template("error.html", problem=problem), problem.status)


def _headers(error: Exception, status: int) -> tuple[tuple[str, str], ...]:
    if isinstance(error, TooManyAttempts):
        return (("Retry-After", str(error.retry_after_seconds)),)
    if status == 503:
        return (("Retry-After", str(_RETRY_AFTER_SECONDS)),)
    if status == 401:
        return (("WWW-Authenticate", _challenge()),)
    if isinstance(error, HTTPException):
        return tuple(header for header in error.get_headers() if header[0] == "Allow")
    return ()


def _challenge() -> str:
    """How to log in (RFC 9110, section 11.6.1). A browser that hears of Basic would ask for a
    password in a window of its own; so it is told of a scheme that it does not know."""
    agent = request.headers.get("User-Agent", "")
    return f'{"Session" if agent.startswith("Mozilla/") else "Basic"} realm="Katydid"'


def _this_page() -> str | None:
    """Where to go on after the login; not said of the first page, where one goes anyway."""
    is_elsewhere = request.method == "GET" and request.path != "/"
    return request.full_path.rstrip("?") if is_elsewhere else None


def _log_failure(error: Exception, problem: Problem) -> None:
    foreseen = isinstance(error, KatydidError) or problem.status == 503
    log.error(
        "a request failed",
        method=request.method,
        route=request.url_rule.rule if request.url_rule else None,
        status=problem.status,
        reason=str(error) if isinstance(error, KatydidError) else type(error).__name__,
        exc_info=None if foreseen else error,
    )
