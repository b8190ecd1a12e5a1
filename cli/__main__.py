"""`./katydid COMMAND`: which commands there are, and the one place where an error ends a run."""

import os
import sys
from collections.abc import Callable, Mapping

from chat.errors import KatydidError
from cli.test import test
from cli.up import up

_COMMANDS: dict[str, tuple[Callable[[Mapping[str, str], list[str]], int], str]] = {
    "up": (up, "prepare what is missing, start broker, bridge and web, until Ctrl-C"),
    "test": (test, "run every check there is; what follows is handed to pytest"),
}


def main(arguments: list[str]) -> int:
    """Exit status: 0 when all went well, 1 when something failed, 2 for wrong words."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", "help"):
        print(_usage())
        return 0
    if name not in _COMMANDS:
        problem = f"there is no command {name!r}" if name else "a command is missing"
        print(f"katydid: {problem}.\n{_usage()}", file=sys.stderr)
        return 2
    command, _ = _COMMANDS[name]
    try:
        return command(os.environ, arguments[1:])
    except KatydidError as error:
        print(f"katydid: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _usage() -> str:
    lines = [f"  {name:6} {says}" for name, (_, says) in _COMMANDS.items()]
    return "\n".join(["usage: ./katydid COMMAND", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
