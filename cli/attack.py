"""`./katydid attack`: what it is and does is in `attacks/`; here it is only started."""

from collections.abc import Sequence

from attacks.command import attack as run_attack


def attack(arguments: Sequence[str]) -> int:
    """Exit status: 0 when everything has held."""
    return run_attack(arguments)
