"""`python -m bench.scaling`: what more bridges and more web workers bring, as ratios to one.

On a machine with few cores the throughput cannot grow with the number; what tells how far it would
is the CPU time a message or a page, for it says what a further core is worth.
"""

import argparse
import asyncio
import os
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from bench.installation import Installation, installation, postgres
from bench.load import exchange
from bench.people import Person, register
from bench.processes import cpu_seconds
from bench.reading import read_history

_PAIRS = 10
_WINDOW = 50


def main() -> None:
    """Prints two tables, medians of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--messages", type=int, default=1000, help="messages of each sender")
    parser.add_argument("--pages", type=int, default=100, help="pages of each of 16 readers")
    parser.add_argument("--numbers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = parser.parse_args()
    with ExitStack() as ended:
        settings, sql = {}, []
        if given.database == "postgresql":
            settings["KATYDID_DATABASE_URL"], pid = ended.enter_context(postgres())
            sql.append(pid)
        running = ended.enter_context(installation(**settings))
        print(f"{os.cpu_count()} cores; {given.database}")
        pairs = [
            (register(running.url, f"sender-{n}"), register(running.url, f"receiver-{n}"))
            for n in range(_PAIRS)
        ]
        exchange(pairs, each=200, window=_WINDOW)  # warm, and something to read
        _measure_bridges(running, sql, pairs, given.numbers, given.rounds, given.messages)
        _measure_sites(running, *pairs[0], given.numbers, given.rounds, given.pages)


def _measure_bridges(
    running: Installation,
    sql: Sequence[int],
    pairs: Sequence[tuple[Person, Person]],
    numbers: Sequence[int],
    rounds: int,
    messages: int,
) -> None:
    measured: dict[int, list[tuple[float, ...]]] = {number: [] for number in numbers}
    for _ in range(rounds):
        for number in numbers:
            with running.bridges(number) as bridges:
                watched = {"bridges": bridges, "broker": [running.parts["broker"]], "sql": sql}
                before = {name: _cpu(pids) for name, pids in watched.items()}
                outcome = exchange(pairs, each=messages, window=_WINDOW)
                used = [_cpu(pids) - before[name] for name, pids in watched.items()]
            costs = [seconds / outcome.answered * 1e6 for seconds in used]
            client = outcome.client_cpu_seconds / outcome.answered * 1e6
            measured[number].append((outcome.per_second, *costs, client))
    print("\nbridges  ratio  messages/s  CPU µs a message: bridges  broker  SQL server  client")
    one = median(row[0] for row in measured[numbers[0]])
    for number, rows in measured.items():
        rate, bridge, broker, sql_server, client = map(median, zip(*rows, strict=True))
        print(
            f"{number:7}  {rate / one:5.2f}  {rate:10,.0f}"
            f"                   {bridge:7.0f} {broker:7.0f} {sql_server:11.0f} {client:7.0f}"
        )


def _measure_sites(
    running: Installation,
    reader: Person,
    peer: Person,
    numbers: Sequence[int],
    rounds: int,
    pages: int,
) -> None:
    measured: dict[int, list[tuple[float, float]]] = {number: [] for number in numbers}
    for _ in range(rounds):
        for number in numbers:
            with running.site(number) as (url, pid):
                before = cpu_seconds(pid)
                rate = asyncio.run(
                    read_history(url, reader, peer.account, connections=16, each=pages)
                )
                used = cpu_seconds(pid) - before
            measured[number].append((rate, used / (16 * pages) * 1e6))
    print("\nweb workers  ratio  pages of 50 messages/s  CPU µs a page")
    one = median(row[0] for row in measured[numbers[0]])
    for number, rows in measured.items():
        rate, cost = (median(column) for column in zip(*rows, strict=True))
        print(f"{number:11}  {rate / one:5.2f}  {rate:22,.0f}  {cost:13.0f}")


def _cpu(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)


if __name__ == "__main__":
    main()
