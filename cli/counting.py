"""Whether a program counts together with the others, in the folder that `/metrics` reads.

It counts in files that it maps into its memory, and on a full disk the kernel ends it for that, at
each start. So where there is little room, it counts for itself alone.
"""

import shutil
import sys
from collections.abc import MutableMapping
from pathlib import Path

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_NEEDED_BYTES = 16 * 1024 * 1024


def count_alone_on_a_full_disk(environ: MutableMapping[str, str]) -> None:
    """Takes the folder out of a program's environment if its disk is almost full."""
    folder = environ.get(_FOLDER)
    if folder is None or not Path(folder).is_dir():
        return
    if not has_room(shutil.disk_usage(folder).free):
        del environ[_FOLDER]
        print(
            f"The disk of {folder} is almost full: /metrics shows nothing of this program until it"
            " is started again.",
            file=sys.stderr,
            flush=True,
        )


def has_room(free_bytes: int) -> bool:
    """Whether that is enough for all programs' counts."""
    return free_bytes >= _NEEDED_BYTES
