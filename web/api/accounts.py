"""`/api/v1/accounts`: register, see who one is and change it, find somebody by the exact name."""

from typing import Annotated

from flask import Blueprint, Response, url_for
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict

from chat.accounts import DISPLAY_NAME_CHARACTERS, PASSWORD_CHARACTERS, account_named
from chat.errors import (
    BrokerUnreachable,
    InvitationNotValid,
    NameTaken,
    NotAcceptable,
    ServerBusy,
    UnknownAccount,
    WrongCode,
    WrongPresentPassword,
)
from chat.fields import AccountName, shown_as
from chat.models import Account
from chat.profiles import change_profile
from chat.times import now
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller, leaving_caller, person
from web.contract.operations import Callers, operation
from web.deletions import Erased, delete_account, told_of
from web.errors import RegistrationClosed, TooManyAttempts
from web.input import body_as
from web.parts import parts
from web.passwords import change_own_password, check_code, check_present_password
from web.registration import register_account

accounts = Blueprint("accounts", __name__, url_prefix=f"{PREFIX}/accounts")

_Password = Annotated[
    str,
    shown_as(minLength=PASSWORD_CHARACTERS[0], maxLength=PASSWORD_CHARACTERS[1], format="password"),
]
_PresentPassword = Annotated[str, shown_as(format="password")]
_Code = Annotated[str, shown_as("A code of the app, or a recovery code.", examples=["123456"])]
_DisplayName = Annotated[
    str, shown_as("Printable characters.", minLength=1, maxLength=DISPLAY_NAME_CHARACTERS)
]


class Registration(Struct, frozen=True):
    """A new account. Without a `display_name` it is shown by its name; `invitation` is what an
    invitation's link ends in, and needed where accounts are made by these."""

    account: AccountName
    password: _Password
    display_name: _DisplayName | None = None
    invitation: str | None = None


class ProfileChange(Struct, frozen=True):
    """What is to change; the rest stays."""

    display_name: _DisplayName | UnsetType = UNSET
    hides_presence: bool | UnsetType = UNSET
    hides_read: bool | UnsetType = UNSET
    asks_first: bool | UnsetType = UNSET


class PasswordChange(Struct, frozen=True):
    """The present password, and that to be; with a second factor, a `code` of it, unless the
    request came with the password and a code already (HTTP Basic)."""

    password: _PresentPassword
    new_password: _Password
    code: _Code | None = None


class Leaving(Struct, frozen=True):
    """The present password, and what becomes of the messages: `erase` or `keep`. A `code` as for
    changing the password."""

    password: _PresentPassword
    messages: Annotated[str, shown_as(enum=["erase", "keep"])]
    code: _Code | None = None


class OwnAccount(Struct, frozen=True):
    """The caller's own account."""

    account: AccountName
    display_name: str
    kind: str
    hides_presence: bool
    hides_read: bool
    asks_first: bool


class OtherAccount(Struct, frozen=True):
    """Somebody to write to; the `kind` is `person` or `thing`."""

    account: AccountName
    display_name: str
    kind: str


class LoginsEnded(Struct, frozen=True):
    """How many other browsers were logged out."""

    logins_ended: int


@accounts.post("")
@operation(
    "Register an account",
    body=Registration,
    answers={201: OwnAccount},
    headers={"Location": "Where the account is found."},
    raises=(NameTaken, RegistrationClosed, InvitationNotValid, TooManyAttempts, ServerBusy),
    callers=Callers.ANYBODY,
)
def register() -> Response:
    """A new account; the broker hears of it with its first device."""
    asked = body_as(Registration)
    account = register_account(
        name=asked.account,
        password=asked.password,
        display_name=asked.display_name,
        invitation=asked.invitation,
    )
    response = as_json(_own(account), 201)
    response.headers["Location"] = url_for("accounts.show", name=account.name)
    return response


@accounts.get("/me")
@operation("Who one is", answers={200: OwnAccount})
def show_own() -> Response:
    """The caller's own account."""
    return as_json(_own(caller().account))


@accounts.patch("/me")
@operation(
    "Change the display name and what others see",
    "`hides_presence`: nobody is told when one is online and writing. `hides_read`: nobody is told"
    " what one has read. Who hides either is not told it of others. `asks_first`: who writes to one"
    " for the first time has to be accepted.",
    body=ProfileChange,
    answers={200: OwnAccount},
    callers=Callers.PERSONS,
)
def change_own() -> Response:
    """The account with what is given changed."""
    account = person().account
    asked = asdict(body_as(ProfileChange))
    changes = {field: value for field, value in asked.items() if value is not UNSET}
    with parts().database.writing() as sql:
        changed = change_profile(sql, account, now=now(), **changes)
    return as_json(_own(changed))


@accounts.put("/me/password")
@operation(
    "Change the password",
    "All other browsers are logged out. Phones, programs and things have credentials of their own,"
    " and stay.",
    body=PasswordChange,
    answers={200: LoginsEnded},
    raises=(WrongPresentPassword, WrongCode),
    callers=Callers.PERSONS,
)
def change_password() -> Response:
    """How many other browsers were logged out."""
    calling = person()
    asked = body_as(PasswordChange)
    ended = change_own_password(
        calling, present=asked.password, code=asked.code, new=asked.new_password
    )
    return as_json(LoginsEnded(ended))


@accounts.delete("/me")
@operation(
    "Delete the account for ever",
    "Its name is never free again. 202 when very much is to be erased, which goes on by itself.",
    body=Leaving,
    answers={200: Erased, 202: Erased},
    raises=(WrongPresentPassword, WrongCode, BrokerUnreachable),
)
def delete_own() -> Response:
    """What was erased: 200 when it is done, 202 when it goes on."""
    calling = leaving_caller()
    asked = body_as(Leaving)
    if asked.messages not in ("erase", "keep"):
        raise NotAcceptable("messages", "must be erase or keep")
    check_present_password(calling.account, asked.password)
    check_code(calling, asked.code)
    deletion = delete_account(calling, erases_messages=asked.messages == "erase")
    return as_json(told_of(calling.account, deletion), 200 if deletion.finished_at else 202)


@accounts.get("/<name>")
@operation(
    "Whether an account exists",
    "By its exact name; there is no list of accounts.",
    answers={200: OtherAccount},
    raises=(UnknownAccount,),
)
def show(name: str) -> Response:
    """Whom one could write to."""
    caller()
    with parts().database.reading() as sql:
        account = account_named(sql, name)
    if account is None or account.deleted_at is not None:
        raise UnknownAccount(name)
    return as_json(OtherAccount(account.name, account.display_name, account.kind))


def _own(account: Account) -> OwnAccount:
    return OwnAccount(
        account=account.name,
        display_name=account.display_name,
        kind=account.kind,
        hides_presence=account.hides_presence,
        hides_read=account.hides_read,
        asks_first=account.asks_first,
    )
