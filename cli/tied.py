"""`python -m cli.tied PROGRAM …`: becomes the program, which ends when its parent does.

So nothing lives on when the supervisor, or `up` itself, is killed without a chance to tidy up.
"""

import ctypes
import os
import signal
import sys

from cli.counting import count_alone_on_a_full_disk

_PR_SET_PDEATHSIG = 1  # prctl(2), Linux; kept across exec


def tie_to_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel send that signal to this process when its parent ends; on Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


if __name__ == "__main__":
    tie_to_parent()
    count_alone_on_a_full_disk(os.environ)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
