"""Points in time as SQL and the wire have them: UTC, to the millisecond.

In SQL a time is a count of milliseconds since 1970 (8 bytes, sorted as it is, the same on every
database); on the wire it is RFC 3339 with milliseconds and a `Z`.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# The last millisecond that RFC 3339 can write, with its four digits for the year.
LATEST_MS = (datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC) - _EPOCH) // _MILLISECOND


class UtcMilliseconds(TypeDecorator[datetime]):
    """A column of aware datetimes in UTC, kept as whole milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MILLISECOND


class database_now_ms(FunctionElement[int]):  # noqa: N801  a function of SQL
    """In a statement: this moment by the database's clock, in milliseconds since 1970."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_now_ms, "sqlite")
def _now_of_sqlite(*_: Any, **__: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"


@compiles(database_now_ms, "postgresql")
def _now_of_postgresql(*_: Any, **__: Any) -> str:
    # Not now(), which stands still within a transaction.
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def milliseconds(time: datetime) -> int:
    """Whole milliseconds since 1970; what is finer is cut off."""
    return (time - _EPOCH) // _MILLISECOND


def rfc3339(time: datetime) -> str:
    """The wire form, such as `2026-11-23T20:37:15.123Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def rfc3339_from(time_ms: int) -> str:
    """The wire form of a count of milliseconds, as SQL has it. A page has a hundred of them, most
    of a few minutes: the minute is remembered, which leaves a quarter of the work."""
    minute, within_ms = divmod(time_ms, 60_000)
    return f"{_minute(minute)}:{within_ms // 1000:02}.{within_ms % 1000:03}Z"


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return (_EPOCH + minute * timedelta(minutes=1)).isoformat(timespec="minutes")[:16]
