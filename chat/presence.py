"""Who is online: an account is, while at least one of its connections said so and not yet the end.

The bridge writes it from what devices announce and from their Last Wills; a starting broker, which
has no connections, clears it.
"""

from collections.abc import Iterable

from sqlalchemy import true
from sqlmodel import Session, col, delete, select

from chat.models import Account, Device, Presence


def online_among(session: Session, account_ids: Iterable[int]) -> set[int]:
    """Those of the accounts that are online."""
    among = select(Presence.account_id).where(col(Presence.account_id).in_(list(account_ids)))
    return set(session.exec(among.distinct()))


def connections_by_device(session: Session, account: Account) -> dict[str, list[str]]:
    """The id of each device that is connected and has said so, and what its connections are called;
    a connection's name begins with the id of its device."""
    names = session.exec(select(Presence.connection).where(Presence.account_id == account.id))
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        found.setdefault(name.partition("-")[0], []).append(name)
    return found


def forget_device(session: Session, device: Device) -> None:
    """A device that is no more is not online: the broker does not send its will for it. Clients
    begin a connection's name with the device id, so that it is known whose it is; with the last
    device, all go."""
    of_account = col(Presence.account_id) == device.account_id
    its_own = col(Presence.connection).startswith(f"{device.id}-", autoescape=True)
    devices = select(Device.id).where(Device.account_id == device.account_id).limit(2)
    is_last = len(session.exec(devices).all()) < 2
    session.exec(delete(Presence).where(of_account, true() if is_last else its_own))


def nobody_is_online(session: Session) -> None:
    """Forget all connections: the broker that they were made to is a new one."""
    session.exec(delete(Presence))
