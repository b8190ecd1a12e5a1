"""The counters of rate limits, kept in SQL, so that all workers of the site count together.

A storage for the `limits` package, for its fixed windows; `limits.py` says what is limited.
"""

import hashlib
import time

from limits.storage import Storage
from sqlalchemy import BigInteger, bindparam, delete, select, text, type_coerce
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from chat.database import Database
from chat.models import RateLimit

# What a column takes; a longer key is kept by its digest.
_KEY_CHARACTERS = 255

# One statement, so that no two workers can both take the last attempt.
_COUNT = text("""
INSERT INTO rate_limit (key, count, expires_at) VALUES (:key, :amount, :expires_at)
ON CONFLICT (key) DO UPDATE SET
    count = excluded.count
        + CASE WHEN rate_limit.expires_at > :now THEN rate_limit.count ELSE 0 END,
    expires_at =
        CASE WHEN rate_limit.expires_at > :now THEN rate_limit.expires_at
             ELSE excluded.expires_at END
RETURNING count
""")
_LOOK = text("SELECT count, expires_at FROM rate_limit WHERE key = :key AND expires_at > :now")
_CLEAR = text("DELETE FROM rate_limit WHERE key = :key")
_CLEAR_ALL = text("DELETE FROM rate_limit")
# Each new window sweeps up those that ended, so the table stays small. Not those that others are
# at: two who wait for each other's rows would do so for ever (SQLite, where one
# alone writes, leaves the clause out).
_ENDED = (
    select(col(RateLimit.key))
    .where(type_coerce(col(RateLimit.expires_at), BigInteger) <= bindparam("now"))
    .with_for_update(skip_locked=True)
)
_SWEEP = delete(RateLimit).where(col(RateLimit.key).in_(_ENDED))


class SqlStorage(Storage):
    """Counts in the table `rate_limit`. Times are seconds since 1970, as `limits` has them."""

    STORAGE_SCHEME = ["katydid"]  # noqa: RUF012

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """The count after this one; a window that has ended begins anew."""
        now = _now_ms()
        counted = {"key": _kept(key), "amount": amount, "expires_at": now + expiry * 1000}
        with self._database.transaction() as connection:
            count = int(connection.execute(_COUNT, {**counted, "now": now}).scalar_one())
            if count == amount:
                connection.execute(_SWEEP, {"now": now})
        return count

    def get(self, key: str) -> int:
        """The count in the present window."""
        return self._look(key)[0]

    def get_expiry(self, key: str) -> float:
        """When the present window ends; now, when there is none."""
        return self._look(key)[1] / 1000

    def check(self) -> bool:
        """Whether SQL answers."""
        try:
            self._database.check()
        except SQLAlchemyError:
            return False
        return True

    def reset(self) -> int | None:
        """Forget all counts; answers how many there were."""
        with self._database.transaction() as connection:
            return connection.execute(_CLEAR_ALL).rowcount

    def clear(self, key: str) -> None:
        """Forget one count."""
        with self._database.transaction() as connection:
            connection.execute(_CLEAR, {"key": _kept(key)})

    def _look(self, key: str) -> tuple[int, int]:
        now = _now_ms()
        with self._database.reading() as session:
            found = session.connection().execute(_LOOK, {"key": _kept(key), "now": now}).first()
        return (found[0], found[1]) if found else (0, now)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _kept(key: str) -> str:
    return key if len(key) <= _KEY_CHARACTERS else hashlib.sha256(key.encode()).hexdigest()
