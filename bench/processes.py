"""Processes with all that they started: what they cost, and signals to all of them. Linux alone."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """The process and its descendants that run now."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            yield from tree(int(child))


def signal_all(pids: Sequence[int], number: int) -> None:
    """Send that signal to each that still is there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def cpu_seconds(pid: int) -> float:
    """User and system time that the process and its present descendants have used (proc(5),
    fields 14 and 15 of `stat`); 0 for one that is gone."""
    return sum(_own_cpu_seconds(each) for each in tree(pid))


def memory_bytes(pid: int) -> int:
    """What the process and its descendants hold, what several share taken in parts (proc(5), `Pss`
    of `smaps_rollup`); 0 for one that is gone."""
    return sum(_own_memory_bytes(each) for each in tree(pid))


def _own_cpu_seconds(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND if fields else 0.0


def _own_memory_bytes(pid: int) -> int:
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(
        int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss:", "SwapPss:"))
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
