"""mosquitto on this machine: the program, its version, and the plugins that came with it.

Found out by looking, never guessed from the system's name. `broker.py` writes the configuration by
it, and doctors say what it comes to.
"""

import re
import subprocess
from functools import cache
from pathlib import Path

from chat.errors import KatydidError
from cli.programs import find_program

_DYNAMIC_SECURITY = "mosquitto_dynamic_security.so"
_PERSIST_SQLITE = "mosquitto_persist_sqlite.so"
_FIRST_WITH_PERSIST_SQLITE = (2, 1)
_PLUGIN_FOLDERS = (
    "usr/lib/*",
    "usr/lib/*/mosquitto",
    "usr/lib",
    "usr/lib64",
    "usr/local/lib",
    "usr/local/lib/*",
    "opt/homebrew/lib",
)
_VERSION = re.compile(r"\bversion (\d+)\.(\d+)")


class BrokerNotReady(KatydidError):
    """mosquitto cannot be started here."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"mosquitto cannot be started: {problem}.")


def mosquitto_program() -> str:
    """Where mosquitto is."""
    program = find_program("mosquitto")
    if program is None:
        raise BrokerNotReady("it is not installed")
    return program


def dynamic_security_plugin() -> Path:
    """Where the plugin is that came with mosquitto."""
    plugin = _plugin(_DYNAMIC_SECURITY, find_program("mosquitto"))
    if plugin is None:
        problem = f"its plugin {_DYNAMIC_SECURITY}, which comes with version 2.0 and newer,"
        raise BrokerNotReady(f"{problem} is not there")
    return plugin


def persist_sqlite_plugin() -> Path | None:
    """Where the plugin is that writes what waits into SQLite as it comes; None where mosquitto is
    older than 2.1, or came without it."""
    program = find_program("mosquitto")
    if program is None or _version_of(program) < _FIRST_WITH_PERSIST_SQLITE:
        return None
    return _plugin(_PERSIST_SQLITE, program)


def _plugin(name: str, program: str | None) -> Path | None:
    """Beside the program, if it has a folder of its own; else where systems keep libraries."""
    if program is not None and (beside := Path(program).parent / name).is_file():
        return beside
    found = (plugin for folder in _PLUGIN_FOLDERS for plugin in Path("/").glob(f"{folder}/{name}"))
    return next(found, None)


@cache  # each start writes the configuration twice, and a doctor looks at it too
def _version_of(program: str) -> tuple[int, int]:
    """As it says itself; (0, 0) when it does not."""
    try:
        done = subprocess.run(
            [program, "-h"], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    said = _VERSION.search(done.stdout)  # with status 1 or 3, as the version may be
    return (int(said[1]), int(said[2])) if said else (0, 0)
