"""How often one may try: logins by address and account, and by address alone; codes of a second
factor by account, and by browser; registrations by address; new devices by account.

A login form counts each attempt. HTTP Basic sends the password with every request, so there only
wrong ones count, in the same window; while it is used up, right ones are refused too, or guessing
would go on. A device's secret has 256 bits and cannot be guessed, so it has no limit.

Codes have six digits, and are asked for after the right password: who knows that must not be able
to try them all from many addresses. So each try counts, wherever it comes from, in a window ten
times as long, which no right password and no right code begins anew. Nor may he use up the attempts
of the owner. So one address has half of them at most; a browser in which a code was right before
has as many of its own (`known_browsers.py`), which nobody else can use up; and a recovery code, of
which there are 2^80, counts for its address alone.

Each look at a password costs much, whatever name comes with it: so all names together have a limit
too, ten times one's, in the same window.

A new device costs the broker, and the one it takes the place of too; so an account, with its
things, gets only so many in a time, however many it gives up meanwhile.
"""

import ipaddress
import math
import time

import structlog
from flask import request
from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter

from chat.database import Database
from chat.settings import Settings
from chat.topics import is_account_name
from web.errors import TooManyAttempts
from web.limit_storage import SqlStorage

_NAMES_PER_ADDRESS = 10
_LONGER_FOR_CODES = 10
_DEVICE = "device"

log = structlog.get_logger()


class Limits:
    """The limits of the site; one that is off lets everything pass."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._windows = FixedWindowRateLimiter(SqlStorage(database))
        self._login = _limit(settings.login_limit)
        self._login_of_all = _times(_NAMES_PER_ADDRESS, self._login)
        self._code = _longer(_LONGER_FOR_CODES, self._login)
        self._code_of_address = _half(self._code)
        self._registration = _limit(settings.registration_limit)
        self._device = _limit(settings.device_limit)

    def count_login(self, account: str) -> None:
        """Count an attempt to log in. Raises TooManyAttempts."""
        self._check(self._login_of_all, "login", _caller())  # or each name would get a row
        self._count(self._login, "login", _caller(), _shortened(account))
        self._count(self._login_of_all, "login", _caller())

    def check_login(self, account: str) -> None:
        """Count nothing yet. Raises TooManyAttempts when a window is used up."""
        self._check(self._login_of_all, "login", _caller())
        self._check(self._login, "login", _caller(), _shortened(account))

    def count_code(self, account: str, *, browser: str | None) -> None:
        """Count an attempt at a code, a right one too, of a browser that is known, or of anybody.
        Raises TooManyAttempts."""
        if browser is not None:
            self._count(self._code, "code", account, browser)
            return
        self._check(self._code, "code", account)  # or each address would get a row
        self._count(self._code_of_address, "code of address", account, _caller())
        self._count(self._code, "code", account)

    def count_recovery_code(self, account: str) -> None:
        """As `count_code`, of a recovery code."""
        self._count(self._code, "recovery code", account, _caller())

    def count_offered_code(self, account: str) -> None:
        """As `count_code`, of a secret that is being set up."""
        self._count(self._code, "offered code", account)

    def check_offered_code(self, account: str) -> None:
        """Count nothing yet. Raises TooManyAttempts when the window is used up."""
        self._check(self._code, "offered code", account)

    def count_registration(self) -> None:
        """Count an attempt to register. Raises TooManyAttempts."""
        self._count(self._registration, "registration", _caller())

    def count_device(self, account: str) -> None:
        """Count a new device of the account, or of one of its things. Raises TooManyAttempts."""
        self._count(self._device, _DEVICE, account)

    def _check(self, limit: RateLimitItem | None, *who: str) -> None:
        if limit is not None and not self._windows.test(limit, *who):
            raise self._too_many(limit, who)

    def _count(self, limit: RateLimitItem | None, *who: str) -> None:
        if limit is not None and not self._windows.hit(limit, *who):
            raise self._too_many(limit, who)

    def _too_many(self, limit: RateLimitItem, who: tuple[str, ...]) -> TooManyAttempts:
        log.warning("too many attempts", of=who[0], address=request.remote_addr)
        seconds = self._windows.get_window_stats(limit, *who).reset_time - time.time()
        what = "new devices of this account" if who[0] == _DEVICE else "attempts"
        return TooManyAttempts(max(1, math.ceil(seconds)), what=what)


def _limit(text: str | None) -> RateLimitItem | None:
    return None if text is None else parse(text)


def _times(factor: int, limit: RateLimitItem | None) -> RateLimitItem | None:
    """So many times as often, in the same window."""
    return limit and type(limit)(factor * limit.amount, limit.multiples)


def _longer(factor: int, limit: RateLimitItem | None) -> RateLimitItem | None:
    """As often, in a window so many times as long."""
    return limit and type(limit)(limit.amount, factor * limit.multiples)


def _half(limit: RateLimitItem | None) -> RateLimitItem | None:
    """Half as often, rounded up, in the same window."""
    return limit and type(limit)(math.ceil(limit.amount / 2), limit.multiples)


def _shortened(account: str) -> str:
    """What no account can be called counts as one name: there is nothing to guess."""
    return account if is_account_name(account) else "?"


def _caller() -> str:
    return _network(request.remote_addr or "")


def _network(address: str) -> str:
    """Whom an address stands for: with IPv6, one connection at home has 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a socket of this machine, or whatever a proxy made of it
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
