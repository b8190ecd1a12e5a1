"""The second factor: beside the password, a code of an authenticator app (TOTP, RFC 6238) or, where
that got lost, one of ten recovery codes.

Each code is taken once, whoever comes with it at the same moment. How often one may try, and what a
code is asked for, is the site's business.
"""

import re
import secrets
from datetime import datetime

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import func
from sqlmodel import Session, col, delete, select, update

from chat.digests import digest_of
from chat.errors import NoSecondFactor, SecondFactorIsOn, WrongCode
from chat.models import Account, RecoveryCode, SecondFactor

RECOVERY_CODES = 10

# Clocks differ, and people type slowly: a code is good for its 30 seconds, and those beside them.
_STEPS_OF_DRIFT = 1
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
# 16 characters of base32 have 80 bits; it has neither 0 nor 1, which could be taken for o and l.
_RECOVERY_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_RECOVERY_CHARACTERS = 16


def has_second_factor(session: Session, account: Account) -> bool:
    """Whether a code is asked for beside the password."""
    return _confirmed(session, account) is not None


def offer_secret(session: Session, account: Account) -> str:
    """A new secret for an authenticator app, 32 characters of base32; nothing is asked for until a
    code has confirmed it. An earlier one that was not confirmed is forgotten.

    Raises SecondFactorIsOn.
    """
    assert account.id is not None
    if has_second_factor(session, account):
        raise SecondFactorIsOn
    turn_off(session, account)
    offered = SecondFactor(account_id=account.id, secret=pyotp.random_base32())
    session.add(offered)
    return offered.secret


def confirm_secret(session: Session, account: Account, code: str, now: datetime) -> list[str]:
    """From now on codes are asked for; the recovery codes. Raises NoSecondFactor, SecondFactorIsOn
    and WrongCode."""
    offered = session.get(SecondFactor, account.id)
    if offered is None:
        raise NoSecondFactor
    if offered.confirmed_at is not None:
        raise SecondFactorIsOn
    step = _step_of(offered, code, now)
    if step is None:
        raise WrongCode
    of_account = col(SecondFactor.account_id) == account.id
    is_the_same = (of_account, col(SecondFactor.secret) == offered.secret)
    confirmed = {"confirmed_at": now, "last_step": step}
    if session.exec(update(SecondFactor).where(*is_the_same).values(confirmed)).rowcount == 0:
        raise WrongCode  # of a secret that was offered anew meanwhile
    return new_recovery_codes(session, account)


def use_code(session: Session, account: Account, code: str, now: datetime) -> None:
    """Take a code of the app, or a recovery code, which is of no use again. Spaces, hyphens and
    capitals make no difference. Raises NoSecondFactor and WrongCode."""
    factor = _confirmed(session, account)
    if factor is None:
        raise NoSecondFactor
    typed = _as_meant(code)
    step = _step_of(factor, typed, now)
    is_taken = (
        _use_recovery_code(session, account, typed)
        if step is None
        else _use_step(session, account, step)
    )
    if not is_taken:
        raise WrongCode


def is_recovery_code(code: str) -> bool:
    """Whether it looks like one, right or wrong."""
    typed = _as_meant(code)
    return len(typed) == _RECOVERY_CHARACTERS and set(typed) <= set(_RECOVERY_ALPHABET)


def new_recovery_codes(session: Session, account: Account) -> list[str]:
    """Ten, such as `k3va-7x2b-ab2c-5def`, instead of those before; nobody can tell them again."""
    assert account.id is not None
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account.id))
    codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(account_id=account.id, digest=digest_of(code.replace("-", "")))
        for code in codes
    )
    return codes


def recovery_codes_left(session: Session, account: Account) -> int:
    """How many were not used yet."""
    of_account = RecoveryCode.account_id == account.id
    return session.exec(select(func.count()).select_from(RecoveryCode).where(of_account)).one()


def turn_off(session: Session, account: Account) -> None:
    """Forget all of it: the password is enough again; a second call changes nothing."""
    session.exec(delete(RecoveryCode).where(col(RecoveryCode.account_id) == account.id))
    session.exec(delete(SecondFactor).where(col(SecondFactor.account_id) == account.id))


def secret_url(secret: str, account: str, *, host: str) -> str:
    """What a QR code says to an authenticator app, which lists it by the account and the host."""
    return pyotp.TOTP(secret).provisioning_uri(name=f"{account}@{host}", issuer_name="Katydid")


def _as_meant(code: str) -> str:
    return re.sub(r"[\s-]", "", code).lower()


def _confirmed(session: Session, account: Account) -> SecondFactor | None:
    is_confirmed = col(SecondFactor.confirmed_at).is_not(None)
    of_account = SecondFactor.account_id == account.id
    return session.exec(select(SecondFactor).where(of_account, is_confirmed)).first()


def _step_of(factor: SecondFactor, code: str, now: datetime) -> int | None:
    """The time step whose code this is, of those that are good now."""
    if not _CODE.fullmatch(code):
        return None
    try:
        return pyotp.TOTP(factor.secret).verify_and_get_timecode(
            code, for_time=now, valid_window=_STEPS_OF_DRIFT
        )
    except OTPVerificationError:
        return None


def _use_step(session: Session, account: Account, step: int) -> bool:
    unused = (col(SecondFactor.account_id) == account.id, col(SecondFactor.last_step) < step)
    used = session.exec(update(SecondFactor).where(*unused).values(last_step=step))
    return used.rowcount > 0


def _use_recovery_code(session: Session, account: Account, code: str) -> bool:
    is_it = (
        col(RecoveryCode.account_id) == account.id,
        col(RecoveryCode.digest) == digest_of(code),
    )
    return session.exec(delete(RecoveryCode).where(*is_it)).rowcount > 0


def _new_recovery_code() -> str:
    code = "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_CHARACTERS))
    return "-".join(re.findall("....", code))
