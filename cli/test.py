"""`./katydid test`: formatter, linter, types and all tests, one after the other.

What a test needs and the machine lacks is installed where it can be; where it cannot, those tests
skip at home and fail under CI=true (tests/conftest.py).
"""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.prepare import CannotPrepare, bring_browser_libraries, bring_programs, say

_PROGRAMS = {
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "chromium": "chromium",
}
_CHECKS = {
    "formatter": ["-m", "ruff", "format", "--check", "."],
    "linter": ["-m", "ruff", "check", "."],
    "types": ["-m", "mypy"],
}


def test(environ: Mapping[str, str], arguments: list[str]) -> int:
    """All checks run, whatever an earlier one says; exit status 1 when any failed."""
    _bring_test_packages()
    try:
        bring_programs(_PROGRAMS)
        bring_browser_libraries()
    except CannotPrepare as missing:
        say(f"{missing} The tests that need it are skipped.")
    checks = {**_CHECKS, "tests": ["-m", "pytest", *arguments]}
    failed = []
    for name, words in checks.items():
        say(f"{name}: {' '.join(words[1:])}")
        done = subprocess.run(
            [sys.executable, *words], cwd=REPOSITORY, env=dict(environ), check=False
        )
        if done.returncode != 0:
            failed.append(name)
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _bring_test_packages() -> None:
    packages = REPOSITORY / "requirements-dev.txt"
    stamp = Path(sys.prefix) / "requirements-dev.sum"
    both = packages.read_bytes() + (REPOSITORY / "requirements.txt").read_bytes()
    checksum = hashlib.sha256(both).hexdigest()
    if stamp.exists() and stamp.read_text() == checksum:
        return
    say("installing the Python packages of requirements-dev.txt into .venv")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", str(packages)], check=False).returncode != 0:
        raise KatydidError("pip could not install the packages of requirements-dev.txt.")
    stamp.write_text(checksum)
