"""KATYDID_HOME: its folders, for whom they are, and the lock of the one `up` that runs from it."""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chat.errors import KatydidError
from chat.secrets import FILES
from chat.settings import Settings
from cli.terminal import say

_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class HomeUnusable(KatydidError):
    """KATYDID_HOME cannot be written to."""

    def __init__(self, settings: Settings, problem: str) -> None:
        super().__init__(f"KATYDID_HOME {settings.home} cannot be written to: {problem}.")


class RunsAlready(KatydidError):
    """Another `up` runs from the same KATYDID_HOME."""

    def __init__(self, settings: Settings, process: str) -> None:
        super().__init__(
            f"Katydid runs already from {settings.home}, as process {process};"
            " stop that one, or set another KATYDID_HOME."
        )


@contextmanager
def held_home(settings: Settings, *, counts_anew: bool = True) -> Iterator[None]:
    """The folders of an installation are there, for its owner alone, and nobody else's `up` uses
    them meanwhile. `counts_anew` when no program of ours runs from it: not on one of several
    machines. Raises HomeUnusable and RunsAlready."""
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (settings.logs_dir, settings.run_dir, settings.broker_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
        # The lock goes with the process, however that ends.
        lock = _lock_of(settings).open("a+")
    except OSError as error:
        raise HomeUnusable(settings, (error.strerror or str(error)).lower()) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RunsAlready(settings, lock.read().strip() or "unknown") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        if counts_anew:
            _begin_metrics_anew(settings)
        yield


def warn_of_open_files(settings: Settings) -> None:
    """Who made the home, or put the secrets there, may have let others of this machine in."""
    if _is_open(settings.home):
        say(
            f"warning: other users of this machine get into KATYDID_HOME {settings.home}"
            f" (mode {_mode(settings.home):04o}); chmod 700 {settings.home}"
        )
    for file in (settings.secrets_dir / name for name in FILES):
        if _is_open(file):
            say(
                f"warning: the secret {file} is not for its owner alone (mode {_mode(file):04o});"
                f" chmod 600 {file}, and where others had it, make it anew"
                " (docs/operations.md)"
            )


def _is_open(path: Path) -> bool:
    return path.exists() and bool(_mode(path) & _OF_OTHERS)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def holder_of(settings: Settings) -> int | None:
    """The process that holds the home, if any does."""
    try:
        with _lock_of(settings).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read())
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise HomeUnusable(settings, str(error)) from None
    return None


def _lock_of(settings: Settings) -> Path:
    return settings.run_dir / "up.lock"


def _begin_metrics_anew(settings: Settings) -> None:
    """Counts belong to one run: the files of processes that are gone would only add up."""
    shutil.rmtree(settings.metrics_dir, ignore_errors=True)
    settings.metrics_dir.mkdir(mode=0o700)
