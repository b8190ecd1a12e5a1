"""What can go wrong in the domain, named after the cause, with its facts as fields.

`str(error)` is one sentence that may be shown to a person. Who turns an error into an answer
(HTTP, MQTT, exit status) does so in one place of its own.
"""


class KatydidError(Exception):
    """Anything that a caller can explain to a person."""


class SettingError(KatydidError):
    """A setting's value is not one of those allowed."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}.")
        self.name = name
        self.problem = problem


class SecretMissing(KatydidError):
    """A secret file is not there, or cannot be read."""

    def __init__(self, path: str) -> None:
        super().__init__(f"The secret {path} cannot be read; ./katydid up makes what is missing.")
        self.path = path


class NotAcceptable(KatydidError):
    """A value breaks a rule of its field."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}.")
        self.field = field
        self.problem = problem


class WrongCursor(NotAcceptable):
    """`before`, `after`, `cursor` or `limit` of what is asked for is out of its range."""


class NameTaken(KatydidError):
    """Another account has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The account name {name} is taken.")
        self.name = name


class UnknownAccount(KatydidError):
    """No account has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no account named {name}.")
        self.name = name


class WrongPresentPassword(KatydidError):
    """Who wants to change or to end an account does not know its password."""

    def __init__(self) -> None:
        super().__init__("The present password is wrong.")


class NotAdminAnyMore(KatydidError):
    """Somebody took the role away while the admin was at it."""

    def __init__(self) -> None:
        super().__init__("You are no admin of this server any more.")


class AccountDisabled(KatydidError):
    """An admin has disabled the account."""

    def __init__(self) -> None:
        super().__init__("This account was disabled by those who run this server; ask them.")


class ResetNotValid(KatydidError):
    """With this link nobody's password can be made anew: it is unknown, used or expired."""

    def __init__(self) -> None:
        super().__init__(
            "This link is used, expired, or not whole; ask who runs this server for a new one."
        )


class WrongCode(KatydidError):
    """It is no code of the account's second factor, or one that was used before."""

    def __init__(self) -> None:
        super().__init__("The code is wrong, or was used before; the app shows another one soon.")


class SecondFactorIsOn(KatydidError):
    """A code is asked for already, and not of another app."""

    def __init__(self) -> None:
        super().__init__("The second factor is on; turn it off before you set it up anew.")


class NoSecondFactor(KatydidError):
    """No code can be right, since there is nothing that codes come from."""

    def __init__(self) -> None:
        super().__init__("The account has no second factor; set it up first.")


class InvitationNotValid(KatydidError):
    """With this invitation nobody can register: it is unknown, used or expired."""


class TooManyInvitations(KatydidError):
    """The account has as many open invitations as one may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You have {most} invitations that nobody has used yet, which is the most; each expires"
            " after seven days."
        )


class UnknownConversation(KatydidError):
    """The two have never written to each other."""

    def __init__(self, peer: str) -> None:
        super().__init__(f"You have no conversation with {peer}.")
        self.peer = peer


class UnknownReport(KatydidError):
    """There is no open report of this number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"There is no open report {number}.")
        self.number = number


class TooManyReports(KatydidError):
    """As many reports of the account are open as may be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} of your reports are still open, which is the most.")


class UnknownThing(KatydidError):
    """The account owns no thing of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"You have no thing named {name}.")
        self.name = name


class TooManyThings(KatydidError):
    """The account owns as many things as one may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} things, which is the most; delete one first.")


class TooManyThingsEver(KatydidError):
    """The account has made as many things as one may, those that were deleted among them."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"You have made {most} things, which is the most: no name is ever given out again."
        )


class TooManyAllowed(KatydidError):
    """As many accounts may talk with the thing as can."""

    def __init__(self, thing: str, most: int) -> None:
        super().__init__(f"{most} accounts may talk with {thing}, which is the most.")
        self.thing = thing


class CredentialJustMade(KatydidError):
    """Two asked for a new credential of a thing at once, and this is the second one."""

    def __init__(self, thing: str) -> None:
        super().__init__(f"Another new credential of {thing} was made in this moment; ask again.")
        self.thing = thing


class UnknownLogin(KatydidError):
    """The account has no login of this digest."""

    def __init__(self, login: str) -> None:
        super().__init__(f"You have no login {login}.")
        self.login = login


class UnknownDevice(KatydidError):
    """The account has no device with this id."""

    def __init__(self, device_id: str) -> None:
        super().__init__(f"You have no device {device_id}.")
        self.device_id = device_id


class TooManyDevices(KatydidError):
    """The account has as many devices as one may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} devices, which is the most; revoke one first.")


class ServerBusy(KatydidError):
    """So many ask for what is dear, such as checking a password, that this one has to come back."""

    def __init__(self) -> None:
        super().__init__("The server is busy; try again in a few seconds.")


class BrokerUnreachable(KatydidError):
    """The broker did not take a change of who may do what."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The broker cannot be told just now: {problem}. Try again in a moment.")
        self.problem = problem


class TablesFromLater(KatydidError):
    """The database was migrated by a version of this code that this one does not know."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"The tables cannot be brought to this version of the code: {problem}.")
        self.problem = problem


class WrongEncoding(KatydidError):
    """A PostgreSQL database that cannot keep all that people write."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The database has the encoding {encoding}; make it with ENCODING 'UTF8' and"
            " TEMPLATE template0."
        )
        self.encoding = encoding
