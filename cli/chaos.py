"""`./katydid chaos`: what it is and does is in `bench/chaos/`; here it is only started."""

from collections.abc import Sequence

from bench.chaos.command import chaos as run_chaos


def chaos(arguments: Sequence[str]) -> int:
    """Exit status: 0 when nothing was lost, doubled or out of order for clients with an outbox."""
    return run_chaos(arguments)
