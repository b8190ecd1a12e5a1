"""What the person at the terminal is told. Programs that speak to a log use `chat/logs.py`."""

import io
import sys

# Between letters of Persian and inside emoji.
_JOINERS = "\u200c\u200d"


def say(sentence: str) -> None:
    """One line on standard error, so that standard output stays for what was asked for."""
    print(f"katydid: {visible(sentence)}", file=sys.stderr, flush=True)


def visible(text: str) -> str:
    """In one line, with the number of each character that would command the terminal instead of
    standing in it: names, ids and answers of others are among what is told."""
    return "".join(map(_visible, text))


def spell_what_it_lacks() -> None:
    """From now on, a terminal in an encoding without some letters is given their numbers."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _visible(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")
