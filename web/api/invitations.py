"""`/api/v1/invitations`: links for others to register with, where that is not open to all."""

from typing import Any

import structlog
from flask import Blueprint, Response

from chat.invitations import invitations_of, invite
from chat.models import Invitation
from chat.times import now, rfc3339
from web.addresses import registration_url
from web.answers import as_json
from web.api import PREFIX
from web.callers import caller
from web.errors import NoInvitationsHere
from web.parts import parts

invitations = Blueprint("invitations", __name__, url_prefix=f"{PREFIX}/invitations")

log = structlog.get_logger()


@invitations.post("")
def add() -> Response:
    """201 with the link, which is shown this once. Raises NoInvitationsHere and
    TooManyInvitations."""
    account = caller().account
    settings = parts().settings
    if settings.registration != "invite":
        raise NoInvitationsHere(settings.registration)
    with parts().database.writing() as sql:
        token, invitation = invite(sql, account, now())
    log.info("somebody was invited", account=account.name)
    told = {"invitation": token, "url": registration_url(settings, token)}
    return as_json({**told, **_described(invitation, None)}, 201)


@invitations.get("")
def index() -> Response:
    """The caller's own, newest first, without their links."""
    account = caller().account
    with parts().database.reading() as sql:
        found = invitations_of(sql, account)
    described = [_described(invitation, used_by) for invitation, used_by in found]
    return as_json({"invitations": described})


def _described(invitation: Invitation, used_by: str | None) -> dict[str, Any]:
    return {
        "created_at": rfc3339(invitation.created_at),
        "expires_at": rfc3339(invitation.expires_at),
        "used_by": used_by,
    }
