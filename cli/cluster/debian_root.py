"""A Debian of its own in a folder, with programs that are newer than this machine's.

Built once by mmdebstrap in half a minute, then found again; what runs in it, runs by chroot. (The
newer packages themselves cannot be unpacked here: their programs want a newer C library.)
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from chat.errors import KatydidError
from chat.settings import settings_from
from cli.programs import bring_program
from cli.terminal import say

_RELEASE = "forky"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Programs in the root look themselves up, as localhost.
_HOSTS = 'printf "127.0.0.1 localhost\\n" >"$1/etc/hosts"'


class RootImpossible(KatydidError):
    """A Debian in a folder cannot be built or entered here."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"A Debian in a folder cannot be had here: {problem}.")


def cache_folder() -> Path:
    """Where roots are kept, for all installations of this user."""
    return settings_from(os.environ).cache


def bring_root(cache: Path, name: str, packages: Sequence[str]) -> Path:
    """The root of that name in the cache, built if it is not there. Raises RootImpossible and
    ProgramMissing. Two that ask for it at once wait for each other."""
    check_may_enter_roots()
    root = cache / name
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            bring_program("mmdebstrap", package="mmdebstrap")
            say(f"building {root}: Debian {_RELEASE} with {' and '.join(packages)}, 100 to 300 MB")
            _build(root, packages)
    return root


def bring_mosquitto(cache: Path) -> Path:
    """The root with mosquitto 2.1, built if it is not there. Raises as `bring_root`."""
    return bring_root(cache, "mosquitto-2.1", ["mosquitto"])


def check_may_enter_roots() -> None:
    """Raises RootImpossible where this process may not do what entering a root takes."""
    if os.geteuid() != 0:
        raise RootImpossible("only root may enter one; run this as root")
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        why = (tried.stderr.strip().splitlines() or ["it does not say why"])[-1].rstrip(".")
        raise RootImpossible(f"this machine does not let root mount anything ({why})")


def _build(root: Path, packages: Sequence[str]) -> None:
    draft = root.with_name(f"{root.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    command = [
        *("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--keyring={_KEYRING}"),
        f"--include={','.join(packages)}",
        # What a release that still moves says of itself is often older than it allows itself.
        '--aptopt=Acquire::Check-Valid-Until "false"',
        f"--customize-hook={_HOSTS}",
        _RELEASE,
        str(draft),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
        why = errors[0].removeprefix("E: ").rstrip(".") if errors else "it does not say why"
        raise RootImpossible(f"mmdebstrap failed: {why}")
    draft.rename(root)  # only now, so that half a root is never taken for one
