"""Every broker that Katydid works with, each as an installation that runs one: the same contract
is asked of all.
"""

from collections.abc import Callable
from pathlib import Path

from chat.errors import KatydidError
from cli.cluster.debian_root import cache_folder
from cli.cluster.newer_mosquitto import bring_newer_mosquitto
from tests.conftest import cannot_run, needs
from tests.rabbitmq import RabbitInstallation
from tests.running import Installation


class NewerMosquitto(Installation):
    """An installation that finds the mosquitto of a later Debian first."""

    def __init__(self, home: Path, **environ: str) -> None:
        super().__init__(home, **environ)
        self._older: str | None = None
        self.programs = home / "programs"
        try:
            bring_newer_mosquitto(cache_folder(), self.programs)
        except KatydidError as error:
            cannot_run(str(error))

    def environ_of(self, part: str) -> dict[str, str]:
        environ = super().environ_of(part)
        if part == self._older:
            return environ
        return environ | {"PATH": f"{self.programs}:{environ['PATH']}"}

    def start_older(self) -> None:
        """The machine's own mosquitto, in the same home: as before an upgrade, or after going
        back."""
        self._older = "broker"
        self.start("broker")
        self._older = None


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
