"""`python -m cli.supervisor FILE`: the supervisor with that configuration, in the foreground.

It is supervisord as it is, but for four things: it ends with the `up` that started it; it starts
its children at once, where supervisord looks for the first time after a second; at SIGUSR1 it ends
those that have what is derived from the server key, to start them again; and a full disk costs log
lines, where supervisord no longer reads what a child says, which then waits for ever for
somebody to take its next line, or ends itself, if its own standard error is on that disk.
"""

import os
import signal
import sys
from contextlib import suppress

from supervisor.loggers import Handler, RotatingFileHandler
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from cli.supervision import has_server_key
from cli.tied import tie_to_parent


class PromptSupervisor(Supervisor):  # type: ignore[misc]  # supervisor has no types
    """Starts what it is to start before it waits for anything."""

    def runforever(self) -> None:
        signal.signal(signal.SIGUSR1, self._end_key_holders)
        for group in sorted(self.process_groups.values()):
            group.transition()
        super().runforever()

    def _end_key_holders(self, *_: object) -> None:
        """All at the same time, so that none sees what another made with a key that it does not
        have. They are started again as any child that ends."""
        for group in self.process_groups.values():
            for process in group.processes.values():
                if process.pid and has_server_key(process.config.name):
                    with suppress(ProcessLookupError):
                        os.kill(process.pid, signal.SIGTERM)


def let_lines_go() -> None:
    """Have lines that cannot be written be forgotten; the next one is tried again."""
    roll_over = RotatingFileHandler.doRollover

    def roll_over_or_reopen(handler: RotatingFileHandler) -> None:
        try:
            roll_over(handler)
        except (OSError, ValueError):  # ValueError: it was closed, and could not be opened again
            with suppress(OSError):
                handler.reopen()

    Handler.handleError = lambda _handler: None
    RotatingFileHandler.doRollover = roll_over_or_reopen


def main(configuration: str) -> None:
    """Returns when all children have ended, after a SIGTERM."""
    tie_to_parent()
    let_lines_go()
    options = ServerOptions()
    options.realize(["-c", configuration])
    options.first, options.test = True, False
    with suppress(ExitNow):  # how it says that it is done
        PromptSupervisor(options).main()


if __name__ == "__main__":
    main(sys.argv[1])
