"""`/api/v1/accounts`: register, see who one is, find somebody by the exact name."""

from typing import Any

from flask import Blueprint, Response, url_for

from chat.accounts import account_named
from chat.errors import UnknownAccount
from chat.models import Account
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller
from web.input import json_object, optional_text, text
from web.parts import parts
from web.registration import register_account

accounts = Blueprint("accounts", __name__, url_prefix=f"{PREFIX}/accounts")


@accounts.post("")
def register() -> Response:
    """201; NameTaken, NotAcceptable, RegistrationClosed and TooManyAttempts otherwise."""
    body = json_object()
    account = register_account(
        name=text(body, "account"),
        password=text(body, "password"),
        display_name=optional_text(body, "display_name"),
    )
    response = as_json(_own(account), 201)
    response.headers["Location"] = url_for("accounts.show", name=account.name)
    return response


@accounts.get("/me")
def show_own() -> Response:
    """The caller's own account."""
    return as_json(_own(caller().account))


@accounts.get("/<name>")
def show(name: str) -> Response:
    """Whom one could write to. Raises UnknownAccount."""
    caller()
    with parts().database.reading() as sql:
        account = account_named(sql, name)
    if account is None:
        raise UnknownAccount(name)
    return as_json({"account": account.name, "display_name": account.display_name})


def _own(account: Account) -> dict[str, Any]:
    return {
        "account": account.name,
        "display_name": account.display_name,
        "kind": account.kind,
    }
