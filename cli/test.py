"""`./katydid test`: formatter, linter, types and all tests; the types are checked beside the tests,
which mostly wait for others.

What a test needs and the machine lacks is installed where it can be; where it cannot, those tests
skip at home and fail under CI=true (tests/conftest.py).
"""

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from chat.errors import KatydidError
from chat.settings import REPOSITORY
from cli.browser_libraries import bring_browser_libraries
from cli.cluster.debian_root import bring_mosquitto, cache_folder
from cli.cluster.rabbitmq import bring_rabbitmq
from cli.packages import bring_packages
from cli.programs import bring_program
from cli.terminal import say

# Program → its package on Debian.
_PROGRAMS = {
    "mosquitto": "mosquitto",
    "mosquitto_pub": "mosquitto-clients",
    "mosquitto_rr": "mosquitto-clients",
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
_QUICK_CHECKS = {
    "formatter": ["ruff", "format", "--check", "."],
    "linter": ["ruff", "check", "."],
}
_TYPES = ["mypy"]


def test(environ: Mapping[str, str], arguments: list[str]) -> int:
    """All checks run, whatever an earlier one says. Exit status: 1 when any failed.

    `arguments` go to pytest.
    """
    bring_packages("dev")
    _bring_what_tests_need()
    passed = {name: _passes(name, words, environ) for name, words in _QUICK_CHECKS.items()}
    with ThreadPoolExecutor(1) as beside:
        types = beside.submit(_passes_beside, "types", _TYPES, environ)
        passed["tests"] = _passes("tests", ["pytest", *arguments], environ)
        passed["types"] = types.result()
    failed = [name for name, has_passed in passed.items() if not has_passed]
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _passes(name: str, words: list[str], environ: Mapping[str, str]) -> bool:
    say(f"{name}: {' '.join(words)}")
    done = subprocess.run(_command(words), cwd=REPOSITORY, env=dict(environ), check=False)
    return done.returncode == 0


def _passes_beside(name: str, words: list[str], environ: Mapping[str, str]) -> bool:
    """Says what came of it when it is over, among what others say meanwhile."""
    done = subprocess.run(
        _command(words),
        cwd=REPOSITORY,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    for line in (" ".join(words), *done.stdout.splitlines()):
        say(f"{name}: {line}")
    return done.returncode == 0


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", *words]


def _bring_what_tests_need() -> None:
    for program, package in _PROGRAMS.items():
        try:
            bring_program(program, package=package)
        except KatydidError as missing:
            say(f"{missing} Its tests cannot run.")
    cache = cache_folder()
    for bring in (
        lambda: bring_browser_libraries(for_tests=True),
        lambda: bring_mosquitto(cache),
        lambda: bring_rabbitmq(cache),
    ):
        try:
            bring()
        except KatydidError as missing:
            say(f"{missing} Their tests cannot run.")
