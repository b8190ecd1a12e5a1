"""A small disk of its own for an installation's home, so that it can be full: a tmpfs, which only
root may mount. Whatever happens, it goes with the `with` block."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chat.errors import KatydidError

_MB = 1_048_576
_FILLER = "nothing-but-zeros"


class NoDisk(KatydidError):
    """A disk that could be full cannot be had here."""


class Disk:
    """What is mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave not a byte to anybody."""
        with (self.folder / _FILLER).open("ab", buffering=0) as filler:
            for size in (_MB, 4096):
                try:
                    while filler.write(bytes(size)) == size:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def empty(self) -> None:
        """Give back what `fill` took."""
        (self.folder / _FILLER).unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Disk]:
    """A disk of that size at `folder`, which is made for it. Raises NoDisk."""
    if os.geteuid() != 0:
        raise NoDisk("only root can mount a small disk.")
    folder.mkdir(mode=0o711)
    words = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=0711", "katydid-chaos", str(folder)]
    try:
        done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoDisk(f"mount is not there: {error.strerror}.") from None
    if done.returncode != 0:
        raise NoDisk(f"{done.stderr.strip().rstrip('.') or 'mount failed'}.")
    try:
        yield Disk(folder)
    finally:
        # Lazily: a process that is just ending may have a file of it open.
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
