"""Which bridge serves which shard: leases, kept in SQL.

A bridge serves a shard while it holds the shard's lease. One that is not renewed ends by itself, by
the database's clock alone, since those of machines differ. Each new holder gets a higher number,
and the archive's transaction asks for it: who was frozen, and wakes up when its lease has long
gone to another, stores nothing. Who held which shard when is kept (`LeaseTerm`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import case
from sqlmodel import Session, col, delete, insert, select, update

from chat.models import BridgeWorker, LeaseTerm, Shard
from chat.times import database_now_ms
from chat.topics import SHARDS, shard_digit

RENEW_EVERY_SECONDS = 0.5
# After so long without a word from its holder, a lease is anybody's: a few renewals may be late
# under load, and nobody should wait for longer than 5 s.
LEASE_SECONDS = 3.0
SILENT_AFTER_SECONDS = 10.0


@dataclass(frozen=True)
class Lease:
    """The right to serve a shard. `unserved_seconds` is for how long nobody had, when it was read;
    None where nobody ever did."""

    shard: int
    number: int
    unserved_seconds: float | None = field(default=None, compare=False)


def succeed_namesake(session: Session, worker: str) -> None:
    """End the leases of an earlier process with the same name before the `/`, which the worker
    takes the place of: its shards need not wait for them to run out."""
    namesake = f"{worker.partition('/')[0]}/"
    held = col(Shard.worker).startswith(namesake, autoescape=True)
    _change(session, held, expires_at=database_now_ms())
    also_alive = col(BridgeWorker.name).startswith(namesake, autoescape=True)
    session.exec(delete(BridgeWorker).where(also_alive))


def renew_leases(
    session: Session, *, worker: str, shards: Collection[int], served: Collection[int]
) -> dict[int, Lease]:
    """Prolong what the worker holds, and take those of `shards` that nobody holds; answers all
    that it holds then. `served` are those whose session it has open."""
    _say_alive(session, worker, shards)
    own = col(Shard.worker) == worker
    _change(session, own, expires_at=_from_now(LEASE_SECONDS))
    _change(session, own & col(Shard.shard).in_(served), served_at=database_now_ms())
    # A row that is locked belongs to a batch under way, or to somebody who is taking it.
    free = (
        select(Shard.shard)
        .where(col(Shard.shard).in_(shards), col(Shard.expires_at) <= database_now_ms())
        .with_for_update(skip_locked=True)
    )
    _give(session, session.exec(free).all(), worker)
    return _leases_of(session, worker)


def handovers(session: Session, worker: str) -> dict[int, str]:
    """Which of the worker's shards it should hand over, and to whom."""
    may_serve = workers_alive(session)
    held: dict[str, set[int]] = {name: set() for name in may_serve}
    for row in session.exec(select(Shard).where(col(Shard.worker).in_(may_serve))):
        held[cast(str, row.worker)].add(row.shard)
    return even_handovers(worker, held, may_serve)


def workers_alive(session: Session) -> dict[str, set[int]]:
    """The bridges that have lately said that they run, each with the shards that it may serve."""
    alive = select(BridgeWorker).where(col(BridgeWorker.expires_at) > database_now_ms())
    return {each.name: {int(digit, 16) for digit in each.shards} for each in session.exec(alive)}


def even_handovers(
    worker: str, held: Mapping[str, Collection[int]], may_serve: Mapping[str, Collection[int]]
) -> dict[int, str]:
    """What the worker gives to whom, so that all hold the same number of shards, or one more.

    Pure. Only who holds the most gives at one time, so that no two give to the same at once.
    """
    holdings = {name: set(shards) for name, shards in held.items()}
    if worker != min(holdings, key=lambda name: (-len(holdings[name]), name), default=None):
        return {}
    given: dict[int, str] = {}
    while True:
        wanted = [
            (len(holdings[other]), other, shard)
            for other in holdings
            for shard in holdings[worker] & set(may_serve[other])
            if len(holdings[other]) + 2 <= len(holdings[worker])
        ]
        if not wanted:
            return given
        _, other, shard = min(wanted)
        holdings[worker].remove(shard)
        holdings[other].add(shard)
        given[shard] = other


def hand_over(session: Session, lease: Lease, *, to: str) -> None:
    """Give the lease to another worker; nothing, if it is no longer what it was, or the other has
    ended meanwhile: what it were given then would be nobody's until the lease ran out."""
    # Locked, so that who ends right now gives this back too.
    alive = (col(BridgeWorker.name) == to) & (col(BridgeWorker.expires_at) > database_now_ms())
    if not session.exec(select(BridgeWorker.name).where(alive).with_for_update()).all():
        return
    as_it_was = (col(Shard.shard) == lease.shard) & (col(Shard.number) == lease.number)
    still_held = select(Shard.shard).where(as_it_was).with_for_update()
    _give(session, session.exec(still_held).all(), to)


def give_back(session: Session, worker: str) -> None:
    """The worker ends: all that it holds is anybody's."""
    # First, so that it is given nothing more; and the shards before their terms, as everybody
    # takes them, or two would wait for each other.
    session.exec(delete(BridgeWorker).where(col(BridgeWorker.name) == worker))
    _change(session, col(Shard.worker) == worker, worker=None, expires_at=database_now_ms())
    _end_terms(session, col(LeaseTerm.worker) == worker, ended_at=database_now_ms())


def unserved_shards(session: Session) -> list[int]:
    """The shards that no bridge has served lately."""
    since = database_now_ms() - int(SILENT_AFTER_SECONDS * 1000)
    served = set(session.exec(select(Shard.shard).where(col(Shard.served_at) > since)))
    return [shard for shard in range(SHARDS) if shard not in served]


def _say_alive(session: Session, worker: str, shards: Collection[int]) -> None:
    alive_until = _from_now(LEASE_SECONDS)
    own = update(BridgeWorker).where(col(BridgeWorker.name) == worker)
    if session.exec(own.values(expires_at=alive_until)).rowcount == 0:
        digits = "".join(shard_digit(shard) for shard in shards)
        new = insert(BridgeWorker).values(name=worker, shards=digits, expires_at=alive_until)
        session.exec(new)
    long_gone = col(BridgeWorker.expires_at) < database_now_ms() - int(LEASE_SECONDS * 1000)
    session.exec(delete(BridgeWorker).where(long_gone))


def _leases_of(session: Session, worker: str) -> dict[int, Lease]:
    held = select(Shard.shard, Shard.number, database_now_ms() - col(Shard.served_at)).where(
        Shard.worker == worker
    )
    return {
        shard: Lease(shard, number, None if unserved is None else unserved / 1000)
        for shard, number, unserved in session.exec(held)
    }


def _give(session: Session, shards: Sequence[int], worker: str) -> None:
    if not shards:  # as at almost every renewal
        return
    given = col(Shard.shard).in_(shards)
    # One that was not handed over ended when it ran out.
    ran_out = select(Shard.expires_at).where(Shard.shard == LeaseTerm.shard).scalar_subquery()
    until = case((ran_out < database_now_ms(), ran_out), else_=database_now_ms())
    _end_terms(session, col(LeaseTerm.shard).in_(shards), ended_at=until)
    expires_at = _from_now(LEASE_SECONDS)
    _change(session, given, worker=worker, number=Shard.number + 1, expires_at=expires_at)
    begun = select(Shard.shard, Shard.number, Shard.worker, database_now_ms()).where(given)
    columns = ("shard", "number", "worker", "began_at")
    session.exec(insert(LeaseTerm).from_select(columns, begun))


def _end_terms(session: Session, which: Any, *, ended_at: Any) -> None:
    lasting = col(LeaseTerm.ended_at).is_(None)
    session.exec(update(LeaseTerm).where(which, lasting).values(ended_at=ended_at))


def _change(session: Session, which: Any, **values: Any) -> None:
    session.exec(update(Shard).where(which).values(**values))


def _from_now(seconds: float) -> Any:
    return database_now_ms() + int(seconds * 1000)
