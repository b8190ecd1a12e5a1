"""`./katydid bench`: what it is and does is in `bench/`; here it is only started."""

from collections.abc import Sequence

from bench.command import bench as run_bench


def bench(arguments: Sequence[str]) -> int:
    """Exit status: 0 when everything was measured."""
    return run_bench(arguments)
