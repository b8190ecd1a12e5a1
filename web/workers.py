"""What gunicorn does as it starts the processes of the site (`--config=python:web.workers`).

A process counts in files that it maps into its memory; where a full disk has no room for a page
of them, the kernel ends it in the middle of an answer. So their room is taken at its start, and a
process that gets none ends all of the site, which is then started anew to count for itself alone
(`cli/counting.py`).
"""

import gc
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

# Prometheus' own names for what `metrics.py` has. All routes together need some 90 kB.
_KINDS = ("counter", "histogram")
_RESERVED_BYTES = 128 * 1024
# gunicorn's graceful timeout is shorter.
_END_SECONDS = 30


def when_ready(_server: object) -> None:
    """Called by gunicorn when all is loaded, and no process is forked yet. What is there by now
    stays to the end: nobody looks through it for what is no longer needed, in the middle of an
    answer, nor copies its pages in order to count who refers to it."""
    gc.freeze()


def post_fork(_server: object, _worker: object) -> None:
    """Called by gunicorn in the new process, before it answers anybody."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder is None or not hasattr(os, "posix_fallocate"):
        return
    try:
        for kind in _KINDS:
            with (Path(folder) / f"{kind}_{os.getpid()}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVED_BYTES)
    except OSError as error:
        print(f"site: There is no room for its counts: {error}.", file=sys.stderr, flush=True)
        _end_the_site()


def _end_the_site() -> NoReturn:
    """By the signal, since gunicorn stumbles over two processes that both fail to start."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(_END_SECONDS)
    sys.exit(1)
