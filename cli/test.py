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
from cli.browser_libraries import bring_browser_libraries
from cli.cluster.debian_root import bring_mosquitto, cache_folder
from cli.cluster.rabbitmq import bring_rabbitmq
from cli.programs import bring_program
from cli.terminal import say

# Program → its package on Debian.
_PROGRAMS = {
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "chromium": "chromium",
    "initdb": "postgresql",
    "haproxy": "haproxy",
    "openssl": "openssl",
    "systemd-analyze": "systemd",
    "ip": "iproute2",
    "dnsmasq": "dnsmasq-base",
    "curl": "curl",
    "mmdebstrap": "mmdebstrap",
}
_CHECKS = {
    "formatter": ["ruff", "format", "--check", "."],
    "linter": ["ruff", "check", "."],
    "types": ["mypy"],
}


class PackagesMissing(KatydidError):
    """The tools of the checks could not be installed."""


def test(environ: Mapping[str, str], arguments: list[str]) -> int:
    """All checks run, whatever an earlier one says. Exit status: 1 when any failed.

    `arguments` go to pytest.
    """
    _bring_test_packages()
    _bring_what_tests_need()
    failed = [
        name
        for name, words in {**_CHECKS, "tests": ["pytest", *arguments]}.items()
        if not _passes(name, words, environ)
    ]
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _passes(name: str, words: list[str], environ: Mapping[str, str]) -> bool:
    say(f"{name}: {' '.join(words)}")
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=REPOSITORY, env=dict(environ), check=False).returncode == 0


def _bring_what_tests_need() -> None:
    for program, package in _PROGRAMS.items():
        try:
            bring_program(program, package=package)
        except KatydidError as missing:
            say(f"{missing} Its tests cannot run.")
    cache = cache_folder()
    for bring in (
        bring_browser_libraries,
        lambda: bring_mosquitto(cache),
        lambda: bring_rabbitmq(cache),
    ):
        try:
            bring()
        except KatydidError as missing:
            say(f"{missing} Their tests cannot run.")


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
        raise PackagesMissing("pip could not install the packages of requirements-dev.txt.")
    stamp.write_text(checksum)
