"""Programs of the system, such as mosquitto: finding them, and installing those that are missing.

Says what it is about to install. Where it cannot install something itself, it says in one sentence
how a person can.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chat.errors import KatydidError
from cli.terminal import say

# Debian keeps some off an ordinary user's PATH, Homebrew some off everyone's.
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_BY_HAND = {
    "brew": "brew install {}",
    "dnf": "sudo dnf install {}",
    "pacman": "sudo pacman -S {}",
    "apk": "sudo apk add {}",
    "zypper": "sudo zypper install {}",
}
# Consulted by Debian's packages before they start a service.
_POLICY = Path("/usr/sbin/policy-rc.d")


class ProgramMissing(KatydidError):
    """A program is not there, and could not be installed."""

    def __init__(self, package: str, problem: str) -> None:
        super().__init__(f"{package} is not installed here, and {problem}.")
        self.package = package


def find_program(name: str) -> str | None:
    """Where a program is."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *_MORE_FOLDERS, *_postgresql_folders()))
    return shutil.which(name, path=path)


def bring_program(name: str, *, package: str) -> None:
    """Install the package of that program, unless it is there. Raises ProgramMissing."""
    if find_program(name) is not None:
        return
    if shutil.which("apt-get") is None:
        raise ProgramMissing(package, f"a person can install it so: {_by_hand(package)}")
    as_root = _as_root(package)
    say(f"installing {package} with apt-get")
    with _no_services_started(as_root):
        for step in (["update"], ["install", "-y", "--no-install-recommends", package]):
            _apt_get(as_root, step, package)
    _disable_service(as_root, package)


def _postgresql_folders() -> list[str]:
    """Debian has a folder for each version, the newest first here, and none of them on the PATH."""
    folders = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    return [str(folder) for folder in sorted(folders, key=lambda f: int(f.parent.name))[::-1]]


def _apt_get(as_root: Sequence[str], step: list[str], package: str) -> None:
    quietly = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    done = subprocess.run([*as_root, *quietly, *step], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1].rstrip(".")
        raise ProgramMissing(package, f"apt-get could not install it: {last}")


def _as_root(package: str) -> list[str]:
    if os.geteuid() == 0:
        return []
    if sudo := shutil.which("sudo"):
        # Where nobody sits, sudo must not wait for a password.
        return [sudo] if sys.stdin.isatty() else [sudo, "-n"]
    raise ProgramMissing(package, f"root can install it so: apt-get install {package}")


def _by_hand(package: str) -> str:
    for manager, command in _BY_HAND.items():
        if shutil.which(manager):
            return command.format(package)
    return ", or ".join(command.format(package) for command in _BY_HAND.values())


@contextmanager
def _no_services_started(as_root: Sequence[str]) -> Iterator[None]:
    """While it lasts, packages start no service: Katydid starts its own broker, and another one
    would take its port. A rule that the system has already stays as it is."""
    if _POLICY.exists():
        yield
        return
    _run(as_root, "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' >{_POLICY}; chmod 755 {_POLICY}")
    try:
        yield
    finally:
        _run(as_root, "rm", "-f", str(_POLICY))


def _disable_service(as_root: Sequence[str], package: str) -> None:
    """Nor must the service that came with a package take the port after the next boot."""
    if shutil.which("systemctl") and Path(f"/lib/systemd/system/{package}.service").exists():
        _run(as_root, "systemctl", "disable", "--quiet", package)


def _run(as_root: Sequence[str], *command: str) -> None:
    subprocess.run([*as_root, *command], check=False, capture_output=True)
