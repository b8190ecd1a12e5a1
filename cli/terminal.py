"""What the person at the terminal is told. Programs that speak to a log use `chat/logs.py`."""

import sys


def say(sentence: str) -> None:
    """One line on standard error, so that standard output stays for what was asked for."""
    print(f"katydid: {sentence}", file=sys.stderr, flush=True)
