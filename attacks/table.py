"""Runs the table on one broker after the other, and says what was seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attacks.attack import Attack, Seen
from attacks.place import NotWell, Place

_TITLES = {
    "mosquitto": "seen on mosquitto 2.0.11",
    "mosquitto-2.1": "seen on 2.1",
    "rabbitmq": "seen on RabbitMQ",
}


@dataclass
class Row:
    """One attack, with what was seen on each broker that has such a door."""

    attack: Attack
    seen: dict[str, Seen] = field(default_factory=dict)

    @property
    def has_held(self) -> bool:
        """Where it is not known that it does not; there, something must have come of it."""
        return all(each.held != (broker in self.attack.known) for broker, each in self.seen.items())

    def as_json(self) -> Mapping[str, Any]:
        return {
            "name": self.attack.name,
            "door": self.attack.door,
            "expected": self.attack.expected,
            "seen": {
                broker: {
                    "held": each.held,
                    "says": each.says,
                    "known": self.attack.known.get(broker),
                }
                for broker, each in self.seen.items()
            },
        }


def run_table(rows: Sequence[Row], place: Place, *, tell: Callable[[str], None]) -> None:
    """Each attack in turn, on that broker; each row is told what was seen."""
    for row in rows:
        if not row.attack.is_possible_at(place.broker):
            continue
        seen = row.seen[place.broker] = _tried(row.attack, place)
        if not row.has_held:
            tell(f"NOT as expected, {row.attack.door}: {row.attack.name}: {seen.says}")


def _tried(attack: Attack, place: Place) -> Seen:
    """What came of it; also whether everything else is as it was before. One that fails by itself,
    whatever with, is not held off, and the others follow."""
    try:
        place.forget_attempts()
        seen = attack.run(place)
    except Exception as problem:
        seen = Seen(False, f"{type(problem).__name__}: {problem}".partition("\n")[0])
    try:
        place.check_well()
    except NotWell as problem:
        return Seen(False, f"{seen.says}, and then {problem}")
    return seen


def text_table(rows: Sequence[Row], brokers: Sequence[str]) -> str:
    """As it stands in docs/attacks.md."""
    heads = ["attack", "door", "expected", *(_TITLES[broker] for broker in brokers)]
    lines = [_line(heads), _line(["---"] * len(heads))]
    lines += [_line([*_about(row), *(_cell(row, broker) for broker in brokers)]) for row in rows]
    return "\n".join(lines)


def _about(row: Row) -> list[str]:
    return [row.attack.name, row.attack.door, row.attack.expected]


def _cell(row: Row, broker: str) -> str:
    seen = row.seen.get(broker)
    if seen is None:
        return "–"
    if seen.held:
        return seen.says
    why = row.attack.known.get(broker)
    return f"NOT held: {seen.says}" if why is None else f"{seen.says}: {why}"


def _line(cells: Sequence[str]) -> str:
    """A pipe would end its cell, and markup would be taken for markup."""
    shown = (each.replace("|", "\\|").replace("<", "&lt;") for each in cells)
    return f"| {' | '.join(shown)} |"
