"""`/admin`: the pages of those who look after the accounts. Forms and tables, without scripts.

What cannot be taken back, or gives an account away, asks for the admin's own password, so that
whoever finds a browser that is logged in can do none of it.
"""

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from chat.accounts import is_text
from chat.administration import PAGE, admins, audit, find_accounts
from chat.devices import devices_of
from chat.errors import KatydidError, NotAcceptable
from chat.fields import LARGEST_SEQ
from chat.models import Account
from chat.reports import count_open, open_report, open_reports, reported_messages
from chat.things import things_of
from web.addresses import page_url
from web.administration import (
    account_to_look_after,
    close_open_report,
    delete_other_account,
    disable_account,
    enable_account,
    make_admin,
    make_no_admin,
    make_reset_link,
)
from web.callers import admin
from web.pages.metrics import measured
from web.parts import parts
from web.passwords import check_present_password
from web.problems import problem_of

admin_pages = Blueprint("admin", __name__, url_prefix="/admin")
# What is larger is no row's, and more than a database takes.
_ID = f"<int(max={LARGEST_SEQ}):number>"


@admin_pages.get("")
def overview() -> str:
    """How the installation is, and what waits for an admin."""
    admin()
    with parts().database.reading() as sql:
        reports, them = count_open(sql), admins(sql)
    return render_template(
        "admin/overview.html",
        problems=parts().health.problems(),
        waiting=measured("katydid_commands_waiting"),
        reports=reports,
        admins=them,
    )


@admin_pages.get("/accounts")
def accounts() -> str:
    """Accounts by name, a page at a time."""
    admin()
    beginning = request.args.get("beginning", "").strip().lower()
    after = request.args.get("after", "")
    if not is_text(beginning + after):
        raise NotAcceptable("beginning", "must be how a name begins")
    with parts().database.reading() as sql:
        found = find_accounts(sql, beginning=beginning, after=after)
    shown, more = found[:PAGE], len(found) > PAGE
    return render_template("admin/accounts.html", accounts=shown, beginning=beginning, more=more)


@admin_pages.get("/accounts/<name>")
def account(name: str) -> str:
    """One account, and what can be done with it."""
    admin()
    return _account_page(account_to_look_after(name))


@admin_pages.post("/accounts/<name>/<act>")
def act(name: str, act: str) -> ResponseReturnValue:
    """Do one of `_ACTS` with it; what is wrong is told on its page."""
    by = admin().account
    if act not in _ACTS:
        raise NotAcceptable("act", f"must be one of {', '.join(_ACTS)}")
    about = account_to_look_after(name)
    try:
        if act in _WITH_PASSWORD:
            check_present_password(by, request.form.get("password", ""))
        return _ACTS[act](by, about)
    except KatydidError as error:
        problem = problem_of(error)
        page = _account_page(account_to_look_after(name), problem=problem, act=act)
        return page, problem.status, problem.headers


@admin_pages.get("/reports")
def reports() -> str:
    """The open ones, oldest first."""
    admin()
    after = _number("after") or 0
    with parts().database.reading() as sql:
        found = open_reports(sql, after=after)
    return render_template("admin/reports.html", reports=found[:PAGE], more=len(found) > PAGE)


@admin_pages.get(f"/reports/{_ID}")
def report(number: int) -> str:
    """One of them, with its texts."""
    admin()
    with parts().database.reading() as sql:
        told, reporter, reported = open_report(sql, number)
        messages = reported_messages(sql, number)
    return render_template(
        "admin/report.html", report=told, reporter=reporter, reported=reported, messages=messages
    )


@admin_pages.post(f"/reports/{_ID}/close")
def close(number: int) -> ResponseReturnValue:
    """Nothing more is to be done."""
    close_open_report(admin().account, number)
    return redirect(url_for("admin.reports"))


@admin_pages.get("/audit")
def audit_page() -> str:
    """What admins did, newest first."""
    admin()
    with parts().database.reading() as sql:
        found = audit(sql, before=_number("before"))
    return render_template("admin/audit.html", lines=found[:PAGE], more=len(found) > PAGE)


def _number(name: str) -> int | None:
    """That of the query, where it has one that a row could have."""
    found = request.args.get(name, type=int)
    return found if found is None else max(0, min(found, LARGEST_SEQ))


def _account_page(about: Account, **more: object) -> str:
    with parts().database.reading() as sql:
        devices, things = devices_of(sql, about), things_of(sql, about)
    return render_template(
        "admin/account.html", account=about, devices=devices, things=things, **more
    )


def _back_to(about: Account) -> ResponseReturnValue:
    return redirect(url_for("admin.account", name=about.name))


def _then_back(do: Callable[[Account, Account], None]) -> Callable[..., ResponseReturnValue]:
    def work(by: Account, about: Account) -> ResponseReturnValue:
        do(by, about)
        return _back_to(about)

    return work


def _reset(by: Account, about: Account) -> ResponseReturnValue:
    token, expires_at = make_reset_link(by, about)
    link = page_url(parts().settings, "reset", link=token)
    return _account_page(about, link=link, expires_at=expires_at)


def _delete(by: Account, about: Account) -> ResponseReturnValue:
    messages = request.form.get("messages")
    if messages not in ("erase", "keep"):
        raise NotAcceptable("messages", "must be erase or keep")
    delete_other_account(by, about, erases_messages=messages == "erase")
    return redirect(url_for("admin.accounts"))


_ACTS: dict[str, Callable[[Account, Account], ResponseReturnValue]] = {
    "disable": _then_back(disable_account),
    "enable": _then_back(enable_account),
    "make-admin": _then_back(make_admin),
    "make-no-admin": _then_back(make_no_admin),
    "reset": _reset,
    "delete": _delete,
}
_WITH_PASSWORD = ("make-admin", "reset", "delete")
