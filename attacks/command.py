"""`./katydid attack`: what strangers and members could try, tried at private installations.

A table of attacks at every door, each judged by its answer and by what it did to the others; then
floods and nonsense, while two people write to each other as if nothing were. Ends by itself.
"""

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from attacks.attack import Attack
from attacks.cases import attacks
from attacks.chatting import Pair
from attacks.figures import Flood
from attacks.floods import connections, messages
from attacks.fuzz import fuzz
from attacks.place import BROKERS, MOSQUITTO, place
from attacks.table import Row, run_table, text_table
from attacks.timing import login_timing
from chat.errors import KatydidError
from cli.terminal import say

TABLE, FUZZ, CONNECTIONS, MESSAGES, TIMING = "table", "fuzz", "connections", "messages", "timing"
WORKS = (TABLE, TIMING, FUZZ, CONNECTIONS, MESSAGES)
_FLOOD_SECONDS = 10.0


class NoSuchCase(KatydidError):
    """What was asked for is no attack."""


def attack(arguments: Sequence[str]) -> int:
    """Exit status: 0 when everything has held."""
    given = _parsed(arguments)
    rows = [Row(each) for each in _chosen(given.cases)] if TABLE in given.works else []
    if given.json is not None:
        given.json.touch()  # what cannot be kept is said before the run, and not after it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a way out through every `finally`
    found: list[Flood] = []
    for broker in given.brokers:
        say(f"{broker}: starting")
        if rows:
            with place(broker) as where:
                run_table(rows, where, tell=say)
        for flood in _floods(broker, given):
            print(f"\n{flood}", flush=True)
            found.append(flood)
    if rows:
        print(f"\n{text_table(rows, given.brokers)}", flush=True)
    if given.json is not None:
        _write(given.json, rows, found)
    held = sum(row.has_held for row in rows) + sum(not flood.wrong for flood in found)
    print(f"{held} of {len(rows) + len(found)} went as they should", flush=True)
    return 0 if held == len(rows) + len(found) else 1


def _floods(broker: str, given: argparse.Namespace) -> Iterator[Flood]:
    """Those that are wanted, one after the other."""
    if {FUZZ, CONNECTIONS, TIMING} & set(given.works):
        with place(broker, KATYDID_LOGIN_LIMIT="off") as where:
            pair = Pair(where)
            if TIMING in given.works:
                yield login_timing(where, given.tries)
            if FUZZ in given.works:
                yield from fuzz(where, pair, given.inputs)
            if CONNECTIONS in given.works:
                yield connections(where, pair, given.connections)
    if MESSAGES in given.works:
        # What everybody has, and no more.
        with place(broker, KATYDID_RATE_PER_SECOND="20", KATYDID_RATE_BURST="100") as where:
            yield messages(where, Pair(where), _FLOOD_SECONDS)


def _write(file: Path, rows: Sequence[Row], floods: Sequence[Flood]) -> None:
    found = {"table": [row.as_json() for row in rows], "floods": [asdict(each) for each in floods]}
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _chosen(words: Sequence[str]) -> Sequence[Attack]:
    """Those whose door or name has one of the words in it; all where there is none."""
    found = [
        each
        for each in attacks()
        if not words or any(word.lower() in f"{each.door}: {each.name}".lower() for word in words)
    ]
    if not found:
        raise NoSuchCase(f"no attack is called anything like {words[0]!r}.")
    return found


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./katydid attack", description=__doc__)
    parser.add_argument(
        "--cases", nargs="+", default=[], metavar="NAME", help="parts of names or doors; all"
    )
    parser.add_argument(
        "--brokers", nargs="+", choices=BROKERS, default=[MOSQUITTO], help=f"{MOSQUITTO}"
    )
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS, help="all, if not said")
    parser.add_argument("--inputs", type=int, default=100_000, help="of nonsense, a door (100,000)")
    parser.add_argument("--connections", type=int, default=10_000, help="slow ones (10,000)")
    parser.add_argument("--tries", type=int, default=1_000, help="of each kind of login (1,000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the outcome for programs")
    return parser.parse_args(arguments)
