"""`python -m cli.supervisor FILE`: the supervisor with that configuration, in the foreground.

It is supervisord as it is, but for two things: it ends with the `up` that started it, and it
starts its children at once, where supervisord looks for the first time after a second.
"""

import sys
from contextlib import suppress

from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.supervisord import Supervisor

from cli.tied import tie_to_parent


class PromptSupervisor(Supervisor):  # type: ignore[misc]  # supervisor has no types
    """Starts what it is to start before it waits for anything."""

    def runforever(self) -> None:
        for group in sorted(self.process_groups.values()):
            group.transition()
        super().runforever()


def main(configuration: str) -> None:
    """Returns when all children have ended, after a SIGTERM."""
    tie_to_parent()
    options = ServerOptions()
    options.realize(["-c", configuration])
    options.first, options.test = True, False
    with suppress(ExitNow):  # how it says that it is done
        PromptSupervisor(options).main()


if __name__ == "__main__":
    main(sys.argv[1])
