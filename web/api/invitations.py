"""`/api/v1/invitations`: links for others to register with, where that is not open to all."""

import structlog
from flask import Blueprint, Response
from msgspec import Struct

from chat.errors import TooManyInvitations
from chat.fields import AccountName, Time
from chat.invitations import invitations_of, invite
from chat.models import Invitation
from chat.times import now, rfc3339
from web.addresses import page_url
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller, person
from web.contract.operations import Callers, operation
from web.errors import NoInvitationsHere
from web.parts import parts

invitations = Blueprint("invitations", __name__, url_prefix=f"{PREFIX}/invitations")

log = structlog.get_logger()


class OwnInvitation(Struct, frozen=True):
    """An invitation for one account, and which account it became."""

    created_at: Time
    expires_at: Time
    used_by: AccountName | None


class NewInvitation(OwnInvitation, frozen=True):
    """A new one, with the link to pass on."""

    invitation: str
    url: str


class Invitations(Struct, frozen=True):
    """The caller's own, newest first, without their links."""

    invitations: list[OwnInvitation]


@invitations.post("")
@operation(
    "Invite somebody",
    "The link is shown this once; it is for one account, for seven days.",
    answers={201: NewInvitation},
    raises=(NoInvitationsHere, TooManyInvitations),
    callers=Callers.PERSONS,
)
def add() -> Response:
    """201 with the link, which is shown this once."""
    account = person().account
    settings = parts().settings
    if settings.registration != "invite":
        raise NoInvitationsHere(settings.registration)
    with parts().database.writing() as sql:
        token, invitation = invite(sql, account, now())
    log.info("somebody was invited", account=account.name)
    told = NewInvitation(
        invitation=token,
        url=page_url(settings, "register", invitation=token),
        created_at=rfc3339(invitation.created_at),
        expires_at=rfc3339(invitation.expires_at),
        used_by=None,
    )
    return as_json(told, 201)


@invitations.get("")
@operation("One's own invitations", answers={200: Invitations})
def index() -> Response:
    """The caller's own, newest first, without their links."""
    account = caller().account
    with parts().database.reading() as sql:
        found = invitations_of(sql, account)
    described = [_described(invitation, used_by) for invitation, used_by in found]
    return as_json(Invitations(described))


def _described(invitation: Invitation, used_by: str | None) -> OwnInvitation:
    return OwnInvitation(
        created_at=rfc3339(invitation.created_at),
        expires_at=rfc3339(invitation.expires_at),
        used_by=used_by,
    )
