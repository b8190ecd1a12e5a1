"""What an account says of itself, and what it lets others see: its display name, two switches.

What the switches do is done where it is told: in the list of conversations, and in the bridge.
"""

from datetime import datetime

from sqlmodel import Session

from chat.accounts import shown_name
from chat.models import Account


def change_profile(
    session: Session,
    account: Account,
    *,
    now: datetime,
    display_name: str | None = None,
    hides_presence: bool | None = None,
    hides_read: bool | None = None,
    asks_first: bool | None = None,
) -> Account:
    """The account with what is given changed. Raises NotAcceptable."""
    changed = session.get_one(Account, account.id)
    if display_name is not None:
        changed.display_name = shown_name(display_name)
    if hides_presence is not None and hides_presence != changed.hides_presence:
        changed.hides_presence = hides_presence
        changed.presence_switched_at = now
    if hides_read is not None:
        changed.hides_read = hides_read
    if asks_first is not None:
        changed.asks_first = asks_first
    session.add(changed)
    return changed
