"""What processes cost: the CPU time of a process and of all that it started. Linux alone."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    """The process and its descendants that run now."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(task).split():
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """User and system time that the process and its present descendants have used (proc(5),
    fields 14 and 15 of `stat`); 0 for one that is gone."""
    return sum(_own_cpu_seconds(each) for each in tree(pid))


def command_line(pid: int) -> list[str]:
    """The words that the process was started with."""
    return _read(Path(f"/proc/{pid}/cmdline")).split("\0")[:-1]


def _own_cpu_seconds(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND if fields else 0.0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
