"""`/api/v1/second-factor`: setting up an authenticator app, recovery codes, and turning it off.

What it begins with asks for the password, and what weakens it for a code too: whoever finds a
browser that is logged in must not be able to lock the owner out, or to let others in.
"""

from typing import Annotated

import structlog
from flask import Blueprint, Response
from msgspec import Struct

from chat.errors import NoSecondFactor, SecondFactorIsOn, WrongCode, WrongPresentPassword
from chat.fields import shown_as
from chat.models import Account
from chat.second_factor import (
    RECOVERY_CODES,
    has_second_factor,
    new_recovery_codes,
    offer_secret,
    recovery_codes_left,
    secret_url,
    turn_off,
)
from web.addresses import site_host
from web.answers import as_json, nothing
from web.api import PREFIX
from web.callers import person
from web.contract.operations import Callers, operation
from web.input import body_as
from web.parts import parts
from web.passwords import check_present_password
from web.qr import qr_code
from web.second_factor import take_code, turn_on

second_factor = Blueprint("second_factor", __name__, url_prefix=f"{PREFIX}/second-factor")

log = structlog.get_logger()

_Password = Annotated[str, shown_as("The present one.", format="password")]
_Code = Annotated[str, shown_as("Six digits, as the app shows them.", examples=["123456"])]
_AnyCode = Annotated[str, shown_as("A code of the app, or a recovery code.", examples=["123456"])]


class SecondFactorState(Struct, frozen=True):
    """Whether a code is asked for beside the password, and how many recovery codes are left."""

    on: bool
    recovery_codes_left: Annotated[int, shown_as(minimum=0, maximum=RECOVERY_CODES)]


class Beginning(Struct, frozen=True):
    """The present password."""

    password: _Password


class Confirmation(Struct, frozen=True):
    """What the app shows."""

    code: _Code


class Proof(Struct, frozen=True):
    """The present password, and a code."""

    password: _Password
    code: _AnyCode


class OfferedSecret(Struct, frozen=True):
    """What an authenticator app needs to know: the secret to type, and the same in a `url` and in
    that one's QR code `qr`, a data URL."""

    secret: Annotated[str, shown_as("Base32.", pattern="^[A-Z2-7]{32}$")]
    url: Annotated[str, shown_as(format="uri")]
    qr: Annotated[str, shown_as("An image, as a data URL.", format="uri")]


class RecoveryCodes(Struct, frozen=True):
    """Ten codes, each of which is good once, instead of one of the app."""

    recovery_codes: list[str]


@second_factor.get("")
@operation(
    "Whether there is a second factor", answers={200: SecondFactorState}, callers=Callers.PERSONS
)
def show() -> Response:
    """Whether a code is asked for, and how many recovery codes are left."""
    account = person().account
    with parts().database.reading() as sql:
        is_on, left = has_second_factor(sql, account), recovery_codes_left(sql, account)
    return as_json(SecondFactorState(is_on, left))


@second_factor.post("")
@operation(
    "Begin to set up an authenticator app",
    "Nothing changes until a code confirms that the app has the secret, which is shown this once.",
    body=Beginning,
    answers={201: OfferedSecret},
    raises=(WrongPresentPassword, SecondFactorIsOn),
    callers=Callers.PERSONS,
)
def begin() -> Response:
    """201 with the secret, which is shown this once."""
    account = person().account
    check_present_password(account, body_as(Beginning).password)
    with parts().database.writing() as sql:
        secret = offer_secret(sql, account)
    url = secret_url(secret, account.name, host=site_host(parts().settings))
    return as_json(OfferedSecret(secret=secret, url=url, qr=qr_code(url)), 201)


@second_factor.put("")
@operation(
    "Turn the second factor on",
    "By a code of the app. From then on the password alone opens nothing; credentials of devices,"
    " and browsers that are logged in, stay.",
    body=Confirmation,
    answers={200: RecoveryCodes},
    raises=(NoSecondFactor, SecondFactorIsOn, WrongCode),
    callers=Callers.PERSONS,
)
def confirm() -> Response:
    """The recovery codes, which are shown this once."""
    account = person().account
    return as_json(RecoveryCodes(turn_on(account, body_as(Confirmation).code)))


@second_factor.post("/recovery-codes")
@operation(
    "Make new recovery codes",
    "Those before are worth nothing any more.",
    body=Proof,
    answers={201: RecoveryCodes},
    raises=(WrongPresentPassword, NoSecondFactor, WrongCode),
    callers=Callers.PERSONS,
)
def renew() -> Response:
    """201 with ten new ones, which are shown this once."""
    account = _proven()
    with parts().database.writing() as sql:
        codes = new_recovery_codes(sql, account)
    log.info("recovery codes were made anew", account=account.name)
    return as_json(RecoveryCodes(codes), 201)


@second_factor.delete("")
@operation(
    "Turn the second factor off",
    "The password is enough again; the secret and the recovery codes are forgotten.",
    body=Proof,
    answers={204: None},
    raises=(WrongPresentPassword, NoSecondFactor, WrongCode),
    callers=Callers.PERSONS,
)
def end() -> Response:
    """204 when it is off."""
    account = _proven()
    with parts().database.writing() as sql:
        turn_off(sql, account)
    log.info("a second factor was turned off", account=account.name)
    return nothing()


def _proven() -> Account:
    """The caller's account, whose password and code came with the request."""
    account = person().account
    asked = body_as(Proof)
    check_present_password(account, asked.password)
    take_code(account, asked.code)
    return account
