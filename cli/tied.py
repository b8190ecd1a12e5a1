"""`python -m cli.tied PROGRAM …`: becomes the program, which ends when its parent does.

So nothing lives on when the supervisor, or `up` itself, is killed without a chance to tidy up.
"""

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import MutableMapping

_METRICS = "PROMETHEUS_MULTIPROC_DIR"
# Each process of ours begins with files of one MiB for its metrics.
_ROOM_FOR_METRICS_BYTES = 16 * 1024 * 1024
_PR_SET_PDEATHSIG = 1  # prctl(2), Linux; kept across exec


def tie_to_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel send that signal to this process when its parent ends; on Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def give_up_metrics_without_room(environ: MutableMapping[str, str]) -> None:
    """On a full disk a program counts for itself alone: a file of metrics for which there is no
    room ends its process with SIGBUS at the first write."""
    folder = environ.get(_METRICS)
    if folder and shutil.disk_usage(folder).free < _ROOM_FOR_METRICS_BYTES:
        del environ[_METRICS]
        print(f"{folder} has no room for metrics; this program shows none.", file=sys.stderr)


if __name__ == "__main__":
    tie_to_parent()
    give_up_metrics_without_room(os.environ)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
