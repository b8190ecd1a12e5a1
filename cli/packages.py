"""Python packages beside those of requirements.txt, brought by whoever needs them: installed into
.venv once, and again when their lock has changed.

People edit `requirements*.txt`. What is installed stands in the lock beside each: all packages,
those that others ask for too, with the checksums of their files (`cli/lock.py`).
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.terminal import say


class PackagesMissing(KatydidError):
    """They could not be installed."""


def bring_packages(name: str) -> None:
    """Those of `requirements-NAME.lock`; a file with another checksum is refused. Raises
    PackagesMissing."""
    lock = REPOSITORY / f"requirements-{name}.lock"
    stamp = Path(sys.prefix) / f"requirements-{name}.sum"
    checksum = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == checksum:
        return
    say(f"installing the Python packages of {lock.name} into .venv")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=False).returncode != 0:
        raise PackagesMissing(f"pip could not install the packages of {lock.name}.")
    stamp.write_text(checksum)
