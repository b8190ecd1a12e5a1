"""`./katydid invite`: a link with which one account can be registered, such as the first one."""

from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from chat.database import Database
from chat.errors import KatydidError
from chat.invitations import invite as new_invitation
from chat.settings import Settings, settings_from
from chat.times import now, rfc3339
from cli.migrate import DatabaseFails
from cli.readiness import site_url
from cli.terminal import say


class NothingToSay(KatydidError):
    """The command was given words that it does not take."""

    def __init__(self) -> None:
        super().__init__("invite takes no further words: ./katydid invite.")


def invite(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Prints the link alone, for a program to take; all else is told beside it. Exit status: 0."""
    if arguments:
        raise NothingToSay
    settings = settings_from(environ)
    token, expires_at = _invitation(settings)
    if settings.registration != "invite":
        say(
            "only a site with KATYDID_REGISTRATION=invite asks for invitations; here it is"
            f" {settings.registration}"
        )
    say(f"one account can be registered with this link, until {expires_at}")
    print(f"{site_url(settings)}/register?invitation={token}", flush=True)
    return 0


def _invitation(settings: Settings) -> tuple[str, str]:
    """What the link has to say, and when it expires."""
    database = Database(settings.database_url)
    try:
        with database.writing() as session:
            token, invitation = new_invitation(session, None, now())
    except SQLAlchemyError as error:
        raise DatabaseFails(database, error) from None
    finally:
        database.close()
    return token, rfc3339(invitation.expires_at)
