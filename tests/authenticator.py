"""An authenticator app for tests: the codes of a second factor, as who has the secret sees them."""

import time
from datetime import timedelta

import pyotp

from chat.accounts import account_named
from chat.database import Database
from chat.second_factor import confirm_secret, offer_secret
from chat.times import now


class Authenticator:
    """The app, and the recovery codes that its person has written down."""

    def __init__(self, secret: str, recovery_codes: list[str] | None = None) -> None:
        self.recovery_codes = recovery_codes or []
        self._totp = pyotp.TOTP(secret)

    def code(self) -> str:
        """What it shows now."""
        return self._totp.at(time.time())

    def next_code(self) -> str:
        """What it shows next, which is good already, since clocks differ."""
        return self._totp.at(time.time(), counter_offset=1)

    def wrong_code(self) -> str:
        """None of those that are good around now."""
        good = {self._totp.at(time.time(), counter_offset=step) for step in range(-2, 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in good)


def turned_on(database: Database, name: str) -> Authenticator:
    """The app of an account whose second factor was turned on an hour ago."""
    an_hour_ago = now() - timedelta(hours=1)
    with database.writing() as session:
        account = account_named(session, name)
        assert account is not None
        secret = offer_secret(session, account)
        code = pyotp.TOTP(secret).at(an_hour_ago)
        return Authenticator(secret, confirm_secret(session, account, code, an_hour_ago))
