"""The archive's third step: which connections of an account are online.

Told only when the account as a whole comes or goes, to those who share a conversation with it. A
late will of an old connection ends that connection alone, and never hides a new one. Of one that
hides, others are told once that it is gone; and who hides is not told of others.
"""

from bridge import statements
from bridge.intake import Announce
from bridge.transaction import News, Transaction
from chat.payloads import PresenceRecord
from chat.times import rfc3339_from

_MOST_CONNECTIONS = 100
_USE_NOTED_EVERY_MS = 60_000


def announce(batch: Transaction, announcements: list[tuple[int, Announce]]) -> None:
    """Note each connection that began or ended."""
    for position, announcement in announcements:
        account = batch.account_ids.get(announcement.account)
        if account is not None:
            _note(batch, position, announcement, account)


def _note(batch: Transaction, position: int, announced: Announce, account: int) -> None:
    before, announced_ms = _connections(batch, account)
    was_online = before > 0
    if announced.online:
        began = (account, announced.connection, batch.now_ms)
        batch.run(statements.CONNECTION_BEGAN, began)
    else:
        batch.run(statements.CONNECTION_ENDED, (account, announced.connection))
    _note_use(batch, announced.connection, account)
    connections, _ = _connections(batch, account)
    if connections > _MOST_CONNECTIONS:
        batch.run(statements.FORGET_OLDEST_CONNECTIONS, (account, account, _MOST_CONNECTIONS))
    online = connections > 0
    if was_online and not online:
        batch.run(statements.SEEN_NOW, (batch.now_ms, account))
    seen_at_ms, hides, switched_at_ms = _presence(batch, account)
    has_switched = was_online and switched_at_ms is not None and switched_at_ms > announced_ms
    if hides and has_switched:
        record = PresenceRecord(account=announced.account, online=False, last_seen_at=None)
        batch.news[position] = News(record, _peers(batch, account))
    elif not hides and (was_online != online or announced.repeated or has_switched):
        last_seen_at = None if seen_at_ms is None else rfc3339_from(seen_at_ms)
        record = PresenceRecord(account=announced.account, online=online, last_seen_at=last_seen_at)
        batch.news[position] = News(record, _peers(batch, account))


def _note_use(batch: Transaction, connection: str, account: int) -> None:
    """Of the device whose id the connection's name begins with, at most once a minute."""
    device, now_ms = connection.partition("-")[0], batch.now_ms
    batch.run(statements.DEVICE_USED, (now_ms, device, account, now_ms - _USE_NOTED_EVERY_MS))


def _connections(batch: Transaction, account: int) -> tuple[int, int]:
    """How many there are, and when the last one was announced."""
    [(count, announced_ms)] = batch.select_of(account, statements.CONNECTIONS)
    return count, announced_ms or 0


def _presence(batch: Transaction, account: int) -> tuple[int | None, bool, int | None]:
    """When it was last seen, whether it hides, and when that was last changed."""
    [(seen_at_ms, hides, switched_at_ms)] = batch.select_of(account, statements.PRESENCE_OF)
    return seen_at_ms, bool(hides), switched_at_ms


def _peers(batch: Transaction, account: int) -> tuple[str, ...]:
    return tuple(peer for (peer,) in batch.select_of(account, statements.PEERS))
