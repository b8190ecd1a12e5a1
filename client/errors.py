"""What can go wrong, named after the cause, with its facts as fields.

`str(error)` is one sentence for a person. What passes by itself, such as a lost network or a limit
on how much one may send, is waited for and never raised, but where nobody could go on without it.
"""


class KatydidError(Exception):
    """Anything that a program can explain to a person."""


class NotLoggedIn(KatydidError):
    """There is no credential in the folder, and no password to get one with."""

    def __init__(self, account: str) -> None:
        super().__init__(f"{account} is not logged in here; give the password once.")
        self.account = account


class LoginRefused(KatydidError):
    """The account name or the password is wrong."""

    def __init__(self, account: str) -> None:
        super().__init__(f"The account name {account} or its password is wrong.")
        self.account = account


class CodeNeeded(KatydidError):
    """The account has a second factor, and no code came with its password, or a wrong one."""

    def __init__(self, account: str) -> None:
        super().__init__(f"{account} has a second factor; give a code of it, which is good once.")
        self.account = account


class Revoked(KatydidError):
    """Somebody removed this device from the account, or the account itself."""

    def __init__(self, account: str) -> None:
        super().__init__(f"This device was removed from the account {account}; log in anew.")
        self.account = account


class TakenOver(KatydidError):
    """Another program uses this device's credential; both would push each other out for ever."""

    def __init__(self) -> None:
        super().__init__("Another program is connected with the credential of this device.")


class FolderInUse(KatydidError):
    """Another program has the folder open: one device is one connection."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"Another program uses {folder}; give this one a folder of its own.")
        self.folder = folder


class FolderOfAnother(KatydidError):
    """The folder has the credential of another account, or of another server."""

    def __init__(self, folder: str, owner: str) -> None:
        super().__init__(f"{folder} belongs to {owner}; give this account a folder of its own.")
        self.folder = folder
        self.owner = owner


class FolderNotUsable(KatydidError):
    """The folder cannot be read or written."""

    def __init__(self, folder: str, problem: str) -> None:
        super().__init__(f"{folder} cannot be used: {problem.rstrip('.')}.")
        self.folder = folder
        self.problem = problem


class AuthorityNotUsable(KatydidError):
    """The file with the certificates to trust cannot be read."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"No certificates can be read from {file}: {problem}.")
        self.file = file
        self.problem = problem


class Unreachable(KatydidError):
    """The site does not answer."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"{url} cannot be reached: {problem.rstrip('.')}.")
        self.url = url
        self.problem = problem


class Problem(KatydidError):
    """The site said no; `status` is HTTP's, the sentence is the site's own, and `type` tells the
    kinds apart that have one status."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        type: str = "about:blank",
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.type = type
        self.retry_after_seconds = retry_after_seconds


class Closed(KatydidError):
    """The chat is used outside of its `async with`."""

    def __init__(self) -> None:
        super().__init__("The chat is not open; use it inside of `async with`.")


class NotSent(KatydidError):
    """A message, or a change of one, will never be archived; `detail` says why."""

    def __init__(self, to: str, detail: str) -> None:
        super().__init__(detail)
        self.to = to
        self.detail = detail


class UnknownRecipient(NotSent):
    """No account has that name."""


class Refused(NotSent):
    """The recipient does not want it, or what it points to is not there or not one's own."""


class TooLong(NotSent):
    """The text has more characters than one message may have."""


class Malformed(NotSent):
    """It is nothing that can be sent, such as an empty text."""


_BY_REASON = {
    "unknown-recipient": UnknownRecipient,
    "refused": Refused,
    "too-long": TooLong,
    "malformed": Malformed,
}


def not_sent(reason: str, to: str, detail: str) -> NotSent:
    """The error for a reason of the protocol, whatever a later version may add to them."""
    return _BY_REASON.get(reason, NotSent)(to, detail)
