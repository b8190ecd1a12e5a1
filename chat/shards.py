"""Which bridge serves which shard, as the bridges themselves last said: their heartbeat."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from chat.models import Shard
from chat.topics import SHARDS

BEAT_EVERY_SECONDS = 2.0
# A few beats may be late under load before anybody is called dead.
SILENT_AFTER_SECONDS = 10.0


def beat(session: Session, *, shards: list[int], worker: str, now: datetime) -> None:
    """Say that `worker` serves these shards now."""
    for shard in shards:
        session.merge(Shard(shard=shard, worker=worker, beat_at=now))


def last_beats(session: Session) -> dict[int, Shard]:
    """The last word about each shard that was ever served."""
    return {row.shard: row for row in session.exec(select(Shard))}


def silent_shards(session: Session, now: datetime) -> list[int]:
    """The shards that no bridge serves."""
    alive_since = now - timedelta(seconds=SILENT_AFTER_SECONDS)
    alive = set(session.exec(select(Shard.shard).where(col(Shard.beat_at) > alive_since)))
    return [shard for shard in range(SHARDS) if shard not in alive]
