"""`/register`, `/login` and its second step, `/reset`, `/logout`: how a person comes and goes."""

import re

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chat.accounts import authenticate
from chat.errors import (
    AccountDisabled,
    KatydidError,
    NameTaken,
    NoSecondFactor,
    NotAcceptable,
    ResetNotValid,
    WrongCode,
)
from chat.models import Account
from chat.password_resets import account_to_reset
from chat.times import now
from web.callers import (
    bind_to_browser,
    caller,
    is_logged_in,
    log_failed_login,
    log_in,
    log_out,
)
from web.deletions import go_on_with_deletion
from web.devices import give_up_device
from web.errors import WrongPassword
from web.half_way import begin_half_way, half_way_account
from web.known_browsers import remember_browser
from web.parts import parts
from web.passwords import set_forgotten_password
from web.problems import problem_of
from web.registration import check_registration_is_open, register_account
from web.second_factor import asks_for_code, take_code

# Whoever guesses at links is counted as one who guesses at passwords.
_LINK = "reset link"
# A path of our own: `//host` and `/\host` lead elsewhere, and browsers drop control characters.
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def register() -> ResponseReturnValue:
    """The form; then the new account is logged in."""
    invitation = request.values.get("invitation") or None
    check_registration_is_open(invitation)
    if request.method == "GET":
        return redirect(url_for("chat")) if is_logged_in() else _form("register.html")
    try:
        account = register_account(
            name=request.form.get("account", "").strip(),
            password=request.form.get("password", ""),
            display_name=request.form.get("display_name", "").strip() or None,
            invitation=invitation,
        )
    except (NotAcceptable, NameTaken) as error:
        return _form("register.html", error)
    _begin_session(account)
    return redirect(url_for("chat"))


def login() -> ResponseReturnValue:
    """The form; then on to the page that was asked for, or to the code of the second factor."""
    if request.method == "GET":
        return redirect(_next_page()) if is_logged_in() else _form("login.html")
    name = request.form.get("account", "").strip().lower()  # phones begin with a capital
    parts().limits.count_login(name)
    account = authenticate(parts().database, name, request.form.get("password", ""))
    if account is not None and account.deleted_at is not None:
        go_on_with_deletion(account)
        account = None
    if account is None:
        log_failed_login(name, by="form")
        return _form("login.html", WrongPassword())
    if account.disabled_at is not None:
        return _form("login.html", AccountDisabled())
    if asks_for_code(account):
        begin_half_way(account)
        return redirect(url_for("login_code", next=request.form.get("next") or None))
    _begin_session(account)
    return redirect(_next_page())


def login_code() -> ResponseReturnValue:
    """The second step: the form for a code, of the app or a recovery code; then on to the page that
    was asked for. Who has given no right password within five minutes begins anew."""
    account = half_way_account()
    if account is None:
        return redirect(url_for("login", next=request.values.get("next") or None))
    if request.method == "GET":
        return _form("login_code.html")
    try:
        take_code(account, request.form.get("code", ""))
    except WrongCode as error:
        return _form("login_code.html", error)
    except NoSecondFactor:  # turned off meanwhile: the password is enough, but it is asked for anew
        return redirect(url_for("login"))
    remember_browser(account)
    _begin_session(account)
    return redirect(_next_page())


def reset() -> ResponseReturnValue:
    """The form behind a link that an admin has made; then the account is logged in."""
    token = request.values.get("link", "")
    parts().limits.check_login(_LINK)
    try:
        with parts().database.reading() as sql:
            account = account_to_reset(sql, token, now())
        if request.method == "GET":
            return render_template("reset.html", account=account, token=token, problem=None)
        set_forgotten_password(token, request.form.get("password", ""))
    except ResetNotValid:
        parts().limits.count_login(_LINK)
        raise
    except NotAcceptable as error:
        problem = problem_of(error)
        page = render_template("reset.html", account=account, token=token, problem=problem)
        return page, problem.status
    if account.disabled_at is not None:
        raise AccountDisabled
    _begin_session(account)
    return redirect(url_for("chat"))


def logout() -> ResponseReturnValue:
    """Ends this browser's session, and its device."""
    if is_logged_in() and (device := caller().device) is not None:
        give_up_device(caller().account, device.id)
    log_out()
    return redirect(url_for("login"))


def _begin_session(account: Account) -> None:
    """Log in, and see to the device of a session that this one takes the place of: who logs in
    once more keeps it, and somebody else's is given up, since nobody could reach it any more."""
    before = caller() if is_logged_in() else None
    log_out()
    log_in(account)
    if before is None or before.device is None:
        return
    if before.account.id == account.id:
        bind_to_browser(before.device)
    else:
        give_up_device(before.account, before.device.id)


def _form(template: str, error: KatydidError | None = None) -> ResponseReturnValue:
    """The form, after an error with what was filled in, save the password."""
    problem = problem_of(error) if error else None
    page = render_template(
        template,
        problem=problem,
        form=request.form,
        next=request.values.get("next", ""),
        invitation=request.values.get("invitation", ""),
        by_recovery_code="recovery" in request.values,
        registration=parts().settings.registration,
    )
    return (page, problem.status, problem.headers) if problem else page


def _next_page() -> str:
    """Where to go after the login: only ever to a page of ours."""
    asked = request.values.get("next", "")
    return asked if _OWN_PATH.fullmatch(asked) else url_for("chat")
