"""`./katydid lock`: which packages are installed, said once for all machines and kept in the
repository, with the checksums of their files.

A lock holds for every Python from 3.11 on, and for each system that the packages have files for.
It names no place that they come from: that is the business of whoever installs them.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.packages import bring_packages
from cli.terminal import say

_OLDEST_PYTHON = "3.11"


@dataclass(frozen=True)
class Lock:
    """One list of packages, and the locks whose versions it has to keep to."""

    name: str
    beside: tuple[str, ...] = ()

    @property
    def packages(self) -> Path:
        """What people edit."""
        return REPOSITORY / f"{self.name}.txt"

    @property
    def file(self) -> Path:
        """What is made of it."""
        return REPOSITORY / f"{self.name}.lock"


# All go into one .venv, so that none may ask for another version than those before it.
LOCKS = (
    Lock("requirements"),
    Lock("requirements-bench", ("requirements",)),
    Lock("requirements-npm", ("requirements",)),
    Lock("requirements-dev", ("requirements", "requirements-bench")),
)


class NotLocked(KatydidError):
    """A lock could not be made."""


def lock(arguments: list[str]) -> int:
    """Make all locks anew. What is locked already keeps its version unless its list says another
    one, or `--upgrade` asks for the newest. Exit status: 0. Raises NotLocked."""
    if arguments not in ([], ["--upgrade"]):
        raise NotLocked("There is only ./katydid lock, and ./katydid lock --upgrade.")
    bring_packages("dev")
    for each in LOCKS:
        make_lock(each, each.file, arguments)
        say(f"{each.file.name} is that of {each.packages.name}")
    return 0


def make_lock(lock: Lock, file: Path, more: list[str]) -> None:
    """Write it to any file. Raises NotLocked."""
    constraints = [word for name in lock.beside for word in ("--constraint", f"{name}.lock")]
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
        *("--python-version", _OLDEST_PYTHON, "--generate-hashes", *constraints, *more),
        *("--custom-compile-command", "./katydid lock", "--output-file", str(file)),
        lock.packages.name,
    ]
    if subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=False).returncode:
        raise NotLocked(f"uv could not make {file.name}; what it said stands above.")
