"""How much a run measures with: the full form, and the one of two minutes."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Numbers of messages, seconds and so on; `receive_qos` is that of the subscriptions, for
    throughput and latency."""

    rounds: int
    pairs: tuple[int, ...]
    messages: int
    rates: tuple[int, ...]
    seconds_a_rate: float
    backlog: int
    archives: tuple[int, ...]
    pages: int
    searched: int
    questions: int
    accounts: tuple[int, ...]
    newcomers: int
    connections: tuple[int, ...]
    connecting_seconds: float
    stored: int
    receive_qos: int = 0
    is_short: bool = False


FULL = Scale(
    rounds=5,
    pairs=(10, 100),
    messages=50_000,
    rates=(20, 200, 1_000, 3_000),
    seconds_a_rate=10.0,
    backlog=200_000,
    archives=(10_000, 1_000_000),
    pages=200,
    searched=1_000_000,
    questions=100,
    accounts=(100, 1_000, 10_000),
    newcomers=20,
    connections=(100, 1_000, 10_000),
    connecting_seconds=5.0,
    stored=50_000,
)

# Cheap above all: whether the numbers can be, not what they are.
SHORT = Scale(
    rounds=1,
    pairs=(10,),
    messages=2_000,
    rates=(20, 200),
    seconds_a_rate=2.0,
    backlog=2_000,
    archives=(1_000, 10_000),
    pages=20,
    searched=2_000,
    questions=5,
    accounts=(10, 100),
    newcomers=3,
    connections=(20, 100),
    connecting_seconds=0.5,
    stored=2_000,
    is_short=True,
)
