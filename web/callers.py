"""Who is calling: a browser by its session cookie, anything else by HTTP Basic, below `/api` only.

Flask-Login asks the two loaders here, at most once a request. Views ask `caller()`, and so cannot
forget to demand a login.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from flask import Flask, Request, Response, after_this_request, g, request, session
from flask_login import LoginManager, current_user, login_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from chat.accounts import authenticate
from chat.devices import authenticate_device, is_use_noted, note_use
from chat.errors import AccountDisabled, NoSecondFactor, WrongCode
from chat.logins import (
    LASTS,
    begin_login,
    bind_login,
    end_login,
    find_login,
    is_prolonged,
    prolong_login,
)
from chat.models import Account, Device
from chat.times import now
from chat.topics import is_account_name
from web.browsers import browser_name
from web.errors import CodeNeeded, NotLoggedIn, OnlyForAdmins, OnlyForBrowsers, OnlyForPersons
from web.parts import parts
from web.second_factor import asks_for_code, take_code

_API = "/api/"
SESSION_LASTS = LASTS

log = structlog.get_logger()


@dataclass(frozen=True)
class Caller:
    """An account, and which device of it is calling, where that is known."""

    account: Account
    device: Device | None
    login_id: str | None = None
    # When the login was made to last longer.
    seen_at: datetime | None = None

    # What Flask-Login asks of its users.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.login_id or ""

    @property
    def by_password(self) -> bool:
        """Whether this very request came with the password, and with a code where one is asked
        for: neither a browser that is logged in, nor a device."""
        return self.login_id is None and self.device is None

    @property
    def by_cookie(self) -> bool:
        """Whether it is a browser, which is known by its login."""
        return self.login_id is not None


def recognise_callers(app: Flask) -> None:
    """Let Flask-Login find out who is calling."""
    manager = LoginManager()
    # Its protection looks at the address, which a phone changes all day.
    manager.session_protection = None
    manager.user_loader(_caller_by_cookie)
    manager.request_loader(_caller_by_basic)
    # No `current_user` in templates: an error page must not ask SQL, which may be the error.
    manager.init_app(app, add_context_processor=False)


def is_api_call() -> bool:
    """Whether the API is asked, and not for a page."""
    return request.path.startswith(_API)


def caller() -> Caller:
    """Who is calling. Raises NotLoggedIn and AccountDisabled."""
    found = leaving_caller()
    if found.account.deleted_at is not None:
        raise NotLoggedIn
    return found


@contextmanager
def reading_as_caller() -> Iterator[tuple[Session, Caller]]:
    """Who is calling, and SQL for what they want to read: one transaction for both, since it costs
    as much as what is asked in it. Raises NotLoggedIn."""
    with parts().database.reading() as sql:
        g.reading = sql
        try:
            yield sql, caller()
        finally:
            del g.reading


def person() -> Caller:
    """Who is calling, for what a thing may not do. Raises NotLoggedIn and OnlyForPersons."""
    found = caller()
    if found.account.owner_id is not None:
        raise OnlyForPersons
    return found


def admin() -> Caller:
    """Who is calling, for what only admins may do, in a browser. Raises NotLoggedIn,
    OnlyForBrowsers and OnlyForAdmins."""
    found = browser()
    if not found.account.is_admin:
        raise OnlyForAdmins
    return found


def leaving_caller() -> Caller:
    """As `caller`; also one whose account is being deleted, who may ask for that alone."""
    if not current_user.is_authenticated:
        raise NotLoggedIn
    found: Caller = current_user._get_current_object()
    if found.account.disabled_at is not None:
        raise AccountDisabled
    return found


def browser() -> Caller:
    """Who is calling, by a session cookie. Raises NotLoggedIn and OnlyForBrowsers."""
    found = caller()
    if not found.by_cookie:
        raise OnlyForBrowsers
    return found


def is_logged_in() -> bool:
    """Whether somebody is calling whom we know, and who may."""
    if not current_user.is_authenticated:
        return False
    account: Account = current_user.account
    return account.deleted_at is None and account.disabled_at is None


def log_in(account: Account) -> None:
    """Begin a session of this browser, under a new cookie: an old one may be known to others."""
    session.clear()
    session.permanent = True
    browser = browser_name(request.headers.get("User-Agent", ""))
    with parts().database.writing() as sql:
        login_id = begin_login(sql, account, now(), browser=browser).id
    login_user(Caller(account, None, login_id))
    # Now, so that no later page must change the cookie: of two answers under way at once, the
    # browser would keep the one that came last, and could lose its device.
    generate_csrf()


def log_out() -> None:
    """End this browser's session, and every copy of its cookie."""
    if is_logged_in() and (login_id := caller().login_id) is not None:
        with parts().database.writing() as sql:
            end_login(sql, login_id)
    session.clear()


def bind_to_browser(device: Device) -> None:
    """Make the device this browser's own: its session ends with it."""
    login_id = browser().login_id
    assert login_id is not None
    with parts().database.writing() as sql:
        bind_login(sql, login_id, device)


def keep_logged_in() -> None:
    """Let the session last from today on."""
    calling = browser()
    assert calling.login_id is not None
    if parts().secrets.server_keys.before is not None:
        session.modified = True  # the cookie is signed again, with the newest key
    if calling.seen_at is not None and is_prolonged(calling.seen_at, now()):
        return
    with parts().database.writing() as sql:
        prolong_login(sql, calling.login_id, now())
    session.modified = True


def log_failed_login(name: str, *, by: str) -> None:
    """Say so in the log; only what can be an account's name, since some type their password
    where the name belongs."""
    account = name.partition(".")[0]
    log.warning(
        "a login failed",
        account=account if is_account_name(account) else None,
        by=by,
        address=request.remote_addr,
    )


@contextmanager
def _reading() -> Iterator[Session]:
    """The view's own transaction, where it has one."""
    if "reading" in g:
        yield g.reading
    else:
        with parts().database.reading() as sql:
            yield sql


def _caller_by_cookie(login_id: str) -> Caller | None:
    with _reading() as sql:
        found = find_login(sql, login_id, now())
    if found is None:
        return None
    account, device, seen_at = found
    return Caller(account, device, login_id, seen_at)


def _caller_by_basic(request: Request) -> Caller | None:
    given = _basic(request) if is_api_call() else None
    if given is None:
        return None
    name, password = given
    # No account has a dot in its name, and every device has.
    found = _by_secret(name, password) if "." in name else _by_password(name, password)
    if found is None:
        log_failed_login(name, by="basic")
    return found


def _basic(request: Request) -> tuple[str, str] | None:
    """The name and the password of HTTP Basic (RFC 7617), where the request has them."""
    try:
        given = request.authorization
    except ValueError:  # Werkzeug 3.1.9 lets it through for a header that is not ASCII
        return None
    if given is None or given.type != "basic":
        return None
    return given.username or "", given.password or ""


def _by_secret(user_name: str, secret: str) -> Caller | None:
    keys = parts().secrets.server_keys
    with _reading() as sql:
        found = authenticate_device(sql, keys, user_name, secret)
    if found is None:
        return None
    device, at = found[1], now()
    if not is_use_noted(device, at):
        if "reading" in g:
            _note_use_in_the_end(device, at)
        else:
            _note_use(device, at)
    return Caller(*found)


def _note_use_in_the_end(device: Device, at: datetime) -> None:
    """It may have to wait, and PostgreSQL cuts off who holds a transaction open meanwhile."""

    @after_this_request
    def note(response: Response) -> Response:
        _note_use(device, at)
        return response


def _note_use(device: Device, at: datetime) -> None:
    """That it cannot be noted is no reason to refuse what it asks for."""
    try:
        with parts().database.writing() as sql:
            note_use(sql, device, at)
    except SQLAlchemyError as error:
        log.warning("the use of a device is not noted", device=device.id, why=type(error).__name__)


def _by_password(name: str, password: str) -> Caller | None:
    parts().limits.check_login(name)
    account = authenticate(parts().database, name, password)
    if account is None:
        parts().limits.count_login(name)
        return None
    if asks_for_code(account):
        _take_code_of_header(account)
    return Caller(account, None)


def _take_code_of_header(account: Account) -> None:
    """Raises CodeNeeded and TooManyAttempts."""
    code = request.headers.get("Katydid-Code")
    if code is None:
        raise CodeNeeded(was_wrong=False)
    try:
        take_code(account, code)
    except (WrongCode, NoSecondFactor):
        raise CodeNeeded(was_wrong=True) from None
