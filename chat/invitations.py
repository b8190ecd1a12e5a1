"""Invitations: links with which somebody may register where that is not open to all.

Each is for one account and lasts seven days.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, delete, select, update

from chat.digests import digest_of
from chat.errors import InvitationNotValid, TooManyInvitations
from chat.locks import lock_enabled
from chat.models import Account, Invitation

LASTS = timedelta(days=7)
MOST_OPEN = 20
# So long it can be told why a link is of no use any more.
_REMEMBERED = timedelta(days=30)


def invite(session: Session, inviter: Account | None, now: datetime) -> tuple[str, Invitation]:
    """What the link has to say, and the invitation; None invites on the command line.

    Raises TooManyInvitations.
    """
    unused = col(Invitation.used_by_id).is_(None)
    session.exec(delete(Invitation).where(unused, col(Invitation.expires_at) < now - _REMEMBERED))
    if inviter is not None:
        _check_may_invite(session, inviter, now)
    token = secrets.token_urlsafe(24)
    invitation = Invitation(
        digest=digest_of(token),
        inviter_id=inviter.id if inviter else None,
        created_at=now,
        expires_at=now + LASTS,
    )
    session.add(invitation)
    return token, invitation


def invitations_of(session: Session, account: Account) -> list[tuple[Invitation, str | None]]:
    """The account's invitations, newest first, each with the name of whom it became."""
    found = session.exec(
        select(Invitation, Account.name)
        .join(Account, col(Account.id) == Invitation.used_by_id, isouter=True)
        .where(Invitation.inviter_id == account.id)
        .order_by(col(Invitation.created_at).desc(), Invitation.digest)
    )
    return [(invitation, name) for invitation, name in found]


def check_invitation(session: Session, token: str, now: datetime) -> None:
    """Raises InvitationNotValid, saying why."""
    found = session.get(Invitation, digest_of(token))
    if found is None:
        raise InvitationNotValid("There is no such invitation; was the whole link copied?")
    if found.used_by_id is not None:
        raise InvitationNotValid("This invitation was used already; each is for one account.")
    if found.expires_at <= now:
        raise InvitationNotValid("This invitation has expired; ask for a new one.")


def use_invitation(session: Session, token: str, account: Account, now: datetime) -> None:
    """It has become this account, and no other can. Raises InvitationNotValid: of two that come at
    once, the second one waits here for the first one's end."""
    still_open = (
        col(Invitation.digest) == digest_of(token),
        col(Invitation.used_by_id).is_(None),
        col(Invitation.expires_at) > now,
    )
    used = session.exec(update(Invitation).where(*still_open).values(used_by_id=account.id))
    if used.rowcount == 0:
        check_invitation(session, token, now)
        raise InvitationNotValid("This invitation was used already; each is for one account.")


def _check_may_invite(session: Session, inviter: Account, now: datetime) -> None:
    lock_enabled(session, inviter)
    open_ones = (
        select(func.count())
        .select_from(Invitation)
        .where(
            Invitation.inviter_id == inviter.id,
            col(Invitation.used_by_id).is_(None),
            col(Invitation.expires_at) > now,
        )
    )
    if session.exec(open_ones).one() >= MOST_OPEN:
        raise TooManyInvitations(MOST_OPEN)
