"""Python packages beside those of requirements.txt, brought by whoever needs them: installed into
.venv once, and again when their list has changed."""

import hashlib
import subprocess
import sys
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.terminal import say


class PackagesMissing(KatydidError):
    """They could not be installed."""


def bring_packages(name: str, *, besides: tuple[str, ...] = ()) -> None:
    """Those of `requirements-NAME.txt`, which may name others of our lists, `besides`. Raises
    PackagesMissing."""
    packages = REPOSITORY / f"requirements-{name}.txt"
    stamp = Path(sys.prefix) / f"requirements-{name}.sum"
    lists = [packages, *(REPOSITORY / each for each in besides)]
    checksum = hashlib.sha256(b"".join(each.read_bytes() for each in lists)).hexdigest()
    if stamp.exists() and stamp.read_text() == checksum:
        return
    say(f"installing the Python packages of {packages.name} into .venv")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", str(packages)], check=False).returncode != 0:
        raise PackagesMissing(f"pip could not install the packages of {packages.name}.")
    stamp.write_text(checksum)
