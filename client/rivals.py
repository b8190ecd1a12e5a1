"""Notices another program with the credential of this device, where the broker does not say that it
takes the place of this one: mosquitto 2.0 never does, and MQTT 3.1.1 has no word for it.

Each connection has a name of its own, which the site tells. A name of this device that is none of
ours, and that was not there before, is that of another program; what an earlier run of ours has
left behind was there before.
"""

from collections.abc import Set


class Rivals:
    """Ours are told with `ours`; `is_another_new` is asked after one of them was lost."""

    def __init__(self) -> None:
        self._ours: set[str] = set()
        self._known: set[str] | None = None

    def ours(self, name: str) -> None:
        """A connection of this program is called so."""
        self._ours.add(name)

    def is_another_new(self, names: Set[str]) -> bool:
        """Whether one of those that are online is another program's, and began since the last
        time; the first time, nobody knows when they began."""
        others = names - self._ours
        is_new = self._known is not None and not others <= self._known
        self._known = (self._known or set()) | others
        return is_new
