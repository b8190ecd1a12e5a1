"""How much an account may ask for: a token bucket each, in the one bridge that serves its shard.

Pure but for the clock, which comes in as an argument. A bucket fills at `rate_per_second` up to
`burst`. What piled up while the bridge was away was not sent too fast: `forgive` lets the buckets
hold as much more as could have come in that time, until what piled up has come in, which the first
half second of silence tells.
"""

from collections import OrderedDict

_ACCOUNTS_REMEMBERED = 100_000
_SILENCE_SECONDS = 0.5
_LONGEST_FORGIVENESS_SECONDS = 60.0


class Rates:
    """Token buckets by account name. Times are seconds of any clock that never goes back."""

    def __init__(self, *, rate_per_second: float, burst: int) -> None:
        self._rate = rate_per_second
        self._burst = float(burst)
        self._extra = 0.0
        self._forgives_until = self._forgives_at_most_until = 0.0
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, account: str, now: float) -> bool:
        """Whether the account may have one more now; if so, it is taken from its bucket."""
        most = self._burst + self._extra_at(now)
        tokens, at = self._buckets.get(account, (most, now))
        tokens = min(most, tokens + (now - at) * self._rate)
        allowed = tokens >= 1.0
        self._buckets[account] = (tokens - 1.0 if allowed else tokens, now)
        self._buckets.move_to_end(account)
        if len(self._buckets) > _ACCOUNTS_REMEMBERED:
            self._buckets.popitem(last=False)  # long idle, so full again anyway
        return allowed

    def charge(self, account: str, tokens: int, now: float) -> None:
        """Take that much more from the account's bucket; what is not in it has to flow in before
        the account may have anything again."""
        most = self._burst + self._extra_at(now)
        left, at = self._buckets.get(account, (most, now))
        self._buckets[account] = (left - tokens, at)

    def forgive(self, away_seconds: float, now: float) -> None:
        """What comes in now, until there is a silence, may be what was sent in so long a time."""
        self._extra = max(self._extra_at(now), away_seconds * self._rate)
        self._forgives_until = now + _SILENCE_SECONDS
        self._forgives_at_most_until = now + _LONGEST_FORGIVENESS_SECONDS
        for account, (tokens, at) in self._buckets.items():
            self._buckets[account] = (tokens + away_seconds * self._rate, at)

    def _extra_at(self, now: float) -> float:
        """Each message that comes in puts the end of the forgiveness off."""
        if now >= min(self._forgives_until, self._forgives_at_most_until):
            return 0.0
        self._forgives_until = now + _SILENCE_SECONDS
        return self._extra
