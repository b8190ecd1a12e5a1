"""Every broker that Katydid works with, each as an installation that runs one: the same contract
is asked of all.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from chat.errors import KatydidError
from cli.cluster.debian_root import bring_mosquitto, cache_folder
from tests.conftest import cannot_run, needs
from tests.rabbitmq import RabbitInstallation
from tests.running import Installation

# In a mount namespace of its own, the newer mosquitto finds all files where the older one does.
_MOSQUITTO_IN_A_ROOT = """#!/bin/sh
exec unshare --mount --propagation private sh -c '
mount --bind "{files}" "{root}{files}" && exec chroot "{root}" /usr/sbin/mosquitto "$@"
' mosquitto "$@"
"""


class NewerMosquitto(Installation):
    """An installation that finds the mosquitto of a later Debian first."""

    def __init__(self, home: Path, **environ: str) -> None:
        super().__init__(home, **environ)
        try:
            root = bring_mosquitto(cache_folder())
        except KatydidError as error:
            cannot_run(str(error))
        files = tempfile.gettempdir()
        (root / files.lstrip("/")).mkdir(parents=True, exist_ok=True)
        self._programs = home / "programs"
        self._programs.mkdir()
        program = self._programs / "mosquitto"
        program.write_text(_MOSQUITTO_IN_A_ROOT.format(root=root, files=files))
        program.chmod(0o700)

    def environ_of(self, part: str) -> dict[str, str]:
        environ = super().environ_of(part)
        return environ | {"PATH": f"{self._programs}:{environ['PATH']}"}


def _mosquitto(home: Path) -> Installation:
    needs("mosquitto")
    return Installation(home)


# Name → its installation in a home. The first runs wherever the tests do.
BROKERS: dict[str, Callable[[Path], Installation]] = {
    "mosquitto": _mosquitto,
    "mosquitto-2.1": NewerMosquitto,
    "rabbitmq-4.3": RabbitInstallation,
}


def start_with_bridge(installation: Installation) -> None:
    """Broker and bridge, and what that broker needs besides."""
    if isinstance(installation, RabbitInstallation):
        installation.start("door")
    installation.start("broker", "bridge")
