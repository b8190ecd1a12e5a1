"""`/api/v1/accounts`: register, see who one is and change it, find somebody by the exact name."""

from typing import Any

from flask import Blueprint, Response, url_for

from chat.accounts import account_named
from chat.errors import NotAcceptable, UnknownAccount
from chat.models import Account, Deletion
from chat.profiles import change_profile
from chat.times import now
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller, leaving_caller
from web.deletions import delete_account
from web.input import json_object, optional_boolean, optional_text, text
from web.parts import parts
from web.passwords import change_own_password, check_present_password
from web.registration import register_account

accounts = Blueprint("accounts", __name__, url_prefix=f"{PREFIX}/accounts")


@accounts.post("")
def register() -> Response:
    """201; NameTaken, NotAcceptable, RegistrationClosed, InvitationNotValid and TooManyAttempts
    otherwise."""
    body = json_object()
    account = register_account(
        name=text(body, "account"),
        password=text(body, "password"),
        display_name=optional_text(body, "display_name"),
        invitation=optional_text(body, "invitation"),
    )
    response = as_json(_own(account), 201)
    response.headers["Location"] = url_for("accounts.show", name=account.name)
    return response


@accounts.get("/me")
def show_own() -> Response:
    """The caller's own account."""
    return as_json(_own(caller().account))


@accounts.patch("/me")
def change_own() -> Response:
    """The account with what is given changed. Raises NotAcceptable."""
    account = caller().account
    body = json_object()
    with parts().database.writing() as sql:
        changed = change_profile(
            sql,
            account,
            now=now(),
            display_name=text(body, "display_name") if "display_name" in body else None,
            hides_presence=optional_boolean(body, "hides_presence"),
            hides_read=optional_boolean(body, "hides_read"),
        )
    return as_json(_own(changed))


@accounts.put("/me/password")
def change_password() -> Response:
    """How many other browsers were logged out. Raises WrongPresentPassword, TooManyAttempts and
    NotAcceptable."""
    calling = caller()
    body = json_object()
    ended = change_own_password(
        calling, present=text(body, "password"), new=text(body, "new_password")
    )
    return as_json({"logins_ended": ended})


@accounts.delete("/me")
def delete_own() -> Response:
    """What was erased: 200 when it is done, 202 when it goes on. Raises WrongPresentPassword,
    TooManyAttempts, NotAcceptable and BrokerUnreachable."""
    calling = leaving_caller()
    body = json_object()
    password, messages = text(body, "password"), text(body, "messages")
    if messages not in ("erase", "keep"):
        raise NotAcceptable("messages", "must be erase or keep")
    check_present_password(calling.account, password)
    deletion = delete_account(calling, erases_messages=messages == "erase")
    return as_json(_erased(calling.account, deletion), 200 if deletion.finished_at else 202)


@accounts.get("/<name>")
def show(name: str) -> Response:
    """Whom one could write to. Raises UnknownAccount."""
    caller()
    with parts().database.reading() as sql:
        account = account_named(sql, name)
    if account is None or account.deleted_at is not None:
        raise UnknownAccount(name)
    return as_json({"account": account.name, "display_name": account.display_name})


def _own(account: Account) -> dict[str, Any]:
    return {
        "account": account.name,
        "display_name": account.display_name,
        "kind": account.kind,
        "hides_presence": account.hides_presence,
        "hides_read": account.hides_read,
    }


def _erased(account: Account, deletion: Deletion) -> dict[str, Any]:
    return {
        "account": account.name,
        "messages": "erase" if deletion.erases_messages else "keep",
        "finished": deletion.finished_at is not None,
        "erased": {
            "devices": deletion.devices,
            "logins": deletion.logins,
            "blocks": deletion.blocks,
            "invitations": deletion.invitations,
            "messages": deletion.messages,
        },
    }
