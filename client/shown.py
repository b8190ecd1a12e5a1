"""What others have written, as it may go to a terminal.

A terminal does what control characters say: move, erase, set its title, even type. And marks of
direction have it show the rest of a line in another order. So neither gets there.
"""

import re

# All but tab and line break; and half a character, which no output can encode.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def shown(text: str, *, indent: int = 0) -> str:
    """With a � for each control character. Lines after the first begin so many columns further in,
    so that none looks like a message of somebody else."""
    visible = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
    return _DIRECTIONS.sub("", visible).replace("\n", "\n" + " " * indent)
