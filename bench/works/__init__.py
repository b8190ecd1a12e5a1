"""The works of `./katydid bench`: each file measures one thing.

A work prepares what it needs until the run's end, and answers, by system, what measures it once.
The runner (`bench/runner.py`) calls them in turn, round by round.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from bench.figures import Measured
from bench.scale import Scale
from bench.systems import Systems

Measure = Callable[[], Sequence[Measured]]
Work = Callable[[Systems, Scale, ExitStack], Mapping[str, Measure]]


def works() -> dict[str, Work]:
    """All there are, by name, in the order in which they are measured."""
    from bench.works import (
        accounts,
        backlog,
        connects,
        history,
        idle,
        latency,
        page,
        search,
        size,
        start,
        throughput,
    )

    return {
        "throughput": throughput.prepare,
        "latency": latency.prepare,
        "backlog": backlog.prepare,
        "history": history.prepare,
        "search": search.prepare,
        "accounts": accounts.prepare,
        "idle": idle.prepare,
        "connects": connects.prepare,
        "size": size.prepare,
        "start": start.prepare,
        "page": page.prepare,
    }
