"""`python -m bench.without_bridge`: `./katydid up` without its bridge, for who wants to start that
himself, and later. Ends as `up` does, at SIGTERM."""

import os
import sys
from collections.abc import Sequence

from chat.errors import KatydidError
from cli.supervision import Stage
from cli.terminal import say
from cli.tied import tie_to_parent
from cli.up import up


def main() -> int:
    """Exit status, as that of the command."""
    tie_to_parent()
    try:
        return up(os.environ, [], rewire=_others)
    except KatydidError as error:
        say(str(error))
        return 1


def _others(stages: Sequence[Stage]) -> Sequence[Stage]:
    return [stage for stage in stages if stage.name != "bridge"]


if __name__ == "__main__":
    sys.exit(main())
