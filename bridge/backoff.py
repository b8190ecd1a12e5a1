"""How long to wait before the next try: longer each time, and never in step with others."""

import random

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 5.0


class Backoff:
    """Doubling waits with jitter, from 0.1 s to `longest_seconds` at most."""

    def __init__(self, *, longest_seconds: float = _LONGEST_SECONDS) -> None:
        self._most_seconds = _FIRST_SECONDS
        self._longest_seconds = longest_seconds

    def next_seconds(self) -> float:
        """The next wait."""
        most = self._most_seconds
        self._most_seconds = min(2 * most, self._longest_seconds)
        return random.uniform(most / 2, most)  # noqa: S311  jitter is no secret

    def reset(self) -> None:
        """It worked: the next wait is a short one again."""
        self._most_seconds = _FIRST_SECONDS
