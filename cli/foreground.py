"""An installation that runs in the foreground: the supervisor at work, until Ctrl-C or SIGTERM."""

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from chat.errors import KatydidError
from chat.settings import Settings
from cli.renewal import taking_renewed_certificates
from cli.supervision import (
    Stage,
    children_environ,
    python,
    stopped_within_seconds,
    write_configuration,
)
from cli.terminal import say


class EndedByItself(KatydidError):
    """The supervisor is gone, and nobody told it to stop."""

    def __init__(self, settings: Settings) -> None:
        log = settings.logs_dir / "supervisor.log"
        super().__init__(f"The supervisor ended by itself; {log} may say why.")


class Foreground:
    """The supervisor with its children, ended by SIGINT, SIGTERM or a closed terminal."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], stages: Sequence[Stage]
    ) -> None:
        self._settings = settings
        self._stopped_within_seconds = stopped_within_seconds(stages)
        self._told_to_stop = False
        self._supervisor = subprocess.Popen(
            python("cli.supervisor", str(write_configuration(settings, stages))),
            env=children_environ(settings, environ),
            # Ctrl-C must reach us alone, who stop all in good order.
            start_new_session=True,
        )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def until_stopped(self, begin: Callable[[], None]) -> None:
        """Calls `begin`, which waits until all is ready, and returns when all have ended.

        Raises EndedByItself, and what `begin` raises.
        """
        try:
            begin()
            with taking_renewed_certificates(self._settings):
                self._supervisor.wait()
        finally:
            self._end()
        if not self._told_to_stop:
            raise EndedByItself(self._settings)

    def is_over(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self._told_to_stop or self._supervisor.poll() is not None

    def _stop(self, *_: object) -> None:
        if not self._told_to_stop:
            self._told_to_stop = True
            say("stopping")
            self._supervisor.terminate()

    def _end(self) -> None:
        self._supervisor.terminate()
        try:
            self._supervisor.wait(timeout=self._stopped_within_seconds)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
