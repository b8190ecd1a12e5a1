"""The archive's third step: which connections of an account are online.

Told only when the account as a whole comes or goes, to those who share a conversation with it. A
late will of an old connection ends that connection alone, and never hides a new one.
"""

from bridge import statements
from bridge.intake import Announce
from bridge.transaction import News, Transaction
from chat.payloads import PresenceRecord
from chat.times import rfc3339_from

_MOST_CONNECTIONS = 100


def announce(batch: Transaction, announcements: list[tuple[int, Announce]]) -> None:
    """Note each connection that began or ended."""
    for position, announcement in announcements:
        account = batch.account_ids.get(announcement.account)
        if account is not None:
            _note(batch, position, announcement, account)


def _note(batch: Transaction, position: int, announced: Announce, account: int) -> None:
    was_online = _connections(batch, account) > 0
    if announced.online:
        began = (account, announced.connection, batch.now_ms)
        batch.run(statements.CONNECTION_BEGAN, [began])
    else:
        batch.run(statements.CONNECTION_ENDED, [(account, announced.connection)])
    connections = _connections(batch, account)
    if connections > _MOST_CONNECTIONS:
        batch.run(statements.FORGET_OLDEST_CONNECTIONS, [(account, account, _MOST_CONNECTIONS)])
    online = connections > 0
    if was_online and not online:
        batch.run(statements.SEEN_NOW, [(batch.now_ms, account)])
    if was_online != online or announced.repeated:
        batch.news[position] = _news(batch, announced.account, account, online)


def _connections(batch: Transaction, account: int) -> int:
    [(count,)] = batch.select_of(account, statements.COUNT_CONNECTIONS)
    return int(count)


def _news(batch: Transaction, name: str, account: int, online: bool) -> News:
    [(seen_at_ms,)] = batch.select_of(account, statements.LAST_SEEN)
    peers = tuple(peer for (peer,) in batch.select_of(account, statements.PEERS))
    last_seen_at = None if seen_at_ms is None else rfc3339_from(seen_at_ms)
    return News(PresenceRecord(account=name, online=online, last_seen_at=last_seen_at), peers)
