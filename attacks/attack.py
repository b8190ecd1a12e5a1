"""What an attack is: where it is tried, what should come of it, and what did."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from attacks.place import Place

HTTP, MQTT, WEBSOCKET = "HTTP", "MQTT", "WebSocket"
QUESTIONS, COMMAND_LINE, FILES = "broker's questions", "command line", "files"


@dataclass(frozen=True)
class Seen:
    """What came of an attack, in a few words, and whether the installation has held."""

    held: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One row of the table. `run` tries it; `brokers` are those where there is such a door, all if
    it is empty. `known` are those that do not hold, each with why that is left so."""

    name: str
    door: str
    expected: str
    run: Callable[[Place], Seen]
    brokers: Sequence[str] = ()
    known: Mapping[str, str] = field(default_factory=dict)

    def is_possible_at(self, broker: str) -> bool:
        """Whether there is such a door."""
        return not self.brokers or broker in self.brokers


@dataclass(frozen=True)
class Door:
    """Collects the attacks at one door, in the order in which they are written down."""

    name: str
    brokers: Sequence[str] = ()
    attacks: list[Attack] = field(default_factory=list)

    def add(
        self,
        name: str,
        expected: str,
        run: Callable[[Place], Seen],
        *,
        known: Mapping[str, str] | None = None,
    ) -> None:
        self.attacks.append(
            Attack(
                name=name,
                door=self.name,
                expected=expected,
                run=run,
                brokers=self.brokers,
                known=known or {},
            )
        )

    def attack(
        self, name: str, expected: str, *, known: Mapping[str, str] | None = None
    ) -> Callable[[Callable[[Place], Seen]], Callable[[Place], Seen]]:
        """The function below it is that attack."""

        def note(run: Callable[[Place], Seen]) -> Callable[[Place], Seen]:
            self.add(name, expected, run, known=known)
            return run

        return note
