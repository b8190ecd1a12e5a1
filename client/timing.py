"""How long to wait for what, and ever longer between two attempts.

The waits have jitter, so that a thousand clients do not come back in the same instant.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from .errors import Problem, Unreachable

T = TypeVar("T")
_TEMPORARY = {429, 500, 502, 503, 504}


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Waits in seconds; the defaults are right for people's networks."""

    # The broker hears of us at least so often, and is given up after about twice as long.
    keepalive_seconds: int = 30
    # The broker has to answer what it is told, the site what it is asked.
    broker_seconds: float = 10.0
    site_seconds: float = 15.0
    # A message that has not come back is sent again: first after so long, then ever later.
    answer_seconds: float = 5.0
    longest_answer_seconds: float = 60.0
    # Over the limit of what an account may send.
    slow_down_seconds: float = 1.5
    # Between two attempts to connect, or to ask the site.
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 30.0
    # Copies may overtake each other; a gap that lasts longer is a loss, and fetched.
    gap_seconds: float = 0.2
    # A broker that was restarted has forgotten who was online.
    presence_seconds: float = 60.0


class Backoff:
    """Waits that double, each between half of the full one and the full one."""

    def __init__(self, *, first_seconds: float, longest_seconds: float) -> None:
        self._first = first_seconds
        self._longest = longest_seconds
        self._attempts = 0

    def next_seconds(self) -> float:
        full = min(self._longest, self._first * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 60)  # beyond, the power has no float
        return full / 2 + random.random() * full / 2  # noqa: S311  no secret

    def reset(self) -> None:
        self._attempts = 0


def between_attempts(timing: Timing) -> Backoff:
    return Backoff(
        first_seconds=timing.first_pause_seconds, longest_seconds=timing.longest_pause_seconds
    )


async def persistently(ask: Callable[[], Awaitable[T]], timing: Timing) -> T:
    """What the site answers, once it is there to answer; a refusal that will not pass is raised."""
    backoff = between_attempts(timing)
    while True:
        try:
            return await ask()
        except Unreachable:
            pause = 0.0
        except Problem as problem:
            if problem.status not in _TEMPORARY:
                raise
            pause = min(problem.retry_after_seconds, timing.longest_pause_seconds)
        await asyncio.sleep(max(pause, backoff.next_seconds()))
