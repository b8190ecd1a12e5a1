"""All that attackers were given, searched for what is the pair's alone."""

from collections.abc import Sequence

from bench.load import TEXTS

# What Alice has told Bob before anybody attacks.
CANARY = "The canary sings for Bob alone"


class Loot:
    """Safe for use by several threads as far as a count may be: `found` is what should not be
    there."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self.received_bytes = 0
        self.found: list[str] = []
        self._private = [each.encode() for each in (CANARY, *TEXTS, *secrets)]

    def add(self, data: bytes) -> None:
        """An attacker was given this."""
        self.received_bytes += len(data)
        self.found += [each.decode() for each in self._private if each in data]
