"""What can go wrong at the site itself, named after the cause; the domain's errors are chat's.

`problems.py` turns both into answers.
"""

from chat.errors import KatydidError


class NotLoggedIn(KatydidError):
    """The request names nobody, or somebody with a wrong password: one sentence for both."""

    def __init__(self) -> None:
        super().__init__(
            "Log in first, in a browser or by HTTP Basic with a right name and password."
        )


class WrongPassword(KatydidError):
    """There is no such account, or its password is another; which of both is not told."""

    def __init__(self) -> None:
        super().__init__("The account name or the password is wrong.")


class CodeNeeded(KatydidError):
    """The account has a second factor, and its password alone opens nothing."""

    def __init__(self, *, was_wrong: bool) -> None:
        super().__init__(
            "The code in the header Katydid-Code is wrong, or was used before."
            if was_wrong
            else "This account has a second factor: send a code of it in the header Katydid-Code."
        )


class RegistrationClosed(KatydidError):
    """Nobody can register here, or only who is invited."""

    def __init__(self, registration: str) -> None:
        super().__init__(
            "Accounts are made by invitation only on this server; ask who runs it."
            if registration == "invite"
            else "This server takes no new accounts."
        )


class NoInvitationsHere(KatydidError):
    """Nobody is registered by invitation at this server."""

    def __init__(self, registration: str) -> None:
        super().__init__(
            "Everybody can make an account here; nobody needs an invitation."
            if registration == "open"
            else "This server takes no new accounts."
        )


class OnlyForBrowsers(KatydidError):
    """What was asked belongs to a browser's session, and the caller has none."""

    def __init__(self) -> None:
        super().__init__("Only a browser that is logged in can ask for this.")


class OnlyForPersons(KatydidError):
    """What was asked is for its owner to do, and the caller is a thing."""

    def __init__(self) -> None:
        super().__init__("A thing cannot do this, only a person can.")


class OnlyForAdmins(KatydidError):
    """What was asked is for those who look after the accounts of this server."""

    def __init__(self) -> None:
        super().__init__("Only an admin of this server can do this.")


class NotOneself(KatydidError):
    """An admin would shut himself out."""

    def __init__(self) -> None:
        super().__init__("Another admin has to do this with your account, or the command line.")


class NoDeviceYet(KatydidError):
    """A browser's session has no device of its own."""

    def __init__(self) -> None:
        super().__init__("This browser has no device yet.")


class TooManyAttempts(KatydidError):
    """A limit on attempts is used up until its window of time ends."""

    def __init__(self, retry_after_seconds: int, *, what: str = "attempts") -> None:
        super().__init__(f"Too many {what}; try again in {_spoken(retry_after_seconds)}.")
        self.retry_after_seconds = retry_after_seconds


def _spoken(seconds: int) -> str:
    if seconds < 90:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{-(-seconds // 60)} minutes"
