"""What a command takes from standard input: a password, a code, or a text."""

import getpass
import os
import sys
from collections.abc import Callable

from .errors import KatydidError


class NothingTyped(KatydidError):
    """What was to come from standard input did not."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"Nothing can be read from standard input: {problem}.")


def password_of(account: str) -> str:
    """That of the environment, else typed or piped. Raises NothingTyped."""
    if (given := os.environ.get("KATYDID_PASSWORD")) is not None:
        return given
    return _typed(lambda: _asked_for("Password", account))


def code_of(account: str) -> str:
    """Of the account's second factor: that of the environment, else typed or piped, after the
    password. Raises NothingTyped."""
    if (given := os.environ.get("KATYDID_CODE")) is not None:
        return given
    return _typed(lambda: _asked_for("Code", account))


def piped_text() -> str:
    """All of it. Raises NothingTyped."""
    return _typed(lambda: sys.stdin.read().rstrip("\n"))


def _asked_for(what: str, account: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{what} of {account}: ")
    return sys.stdin.readline().rstrip("\n")


def _typed(read: Callable[[], str]) -> str:
    """What is read before anything else begins: Ctrl-C ends the waiting, which it cannot once the
    loop runs."""
    if sys.stdin is None:  # closed by whoever started us
        raise NothingTyped("there is none")
    try:
        return read()
    except EOFError:
        raise NothingTyped("it ended") from None
    except UnicodeDecodeError as error:
        raise NothingTyped(f"it is no text in {error.encoding}") from None
