"""`./katydid attack`: what strangers and members could try, tried at private installations.

A table of attacks at every door, each judged by its answer and by what it did to the others; then
floods and nonsense, while two people write to each other as if nothing were. Ends by itself.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from attacks.attack import Attack
from attacks.cases import attacks
from attacks.place import BROKERS, MOSQUITTO, place
from attacks.table import Row, run_table, text_table
from chat.errors import KatydidError
from cli.terminal import say


class NoSuchCase(KatydidError):
    """What was asked for is no attack."""


def attack(arguments: Sequence[str]) -> int:
    """Exit status: 0 when everything has held."""
    given = _parsed(arguments)
    rows = [Row(each) for each in _chosen(given.cases)]
    if given.json is not None:
        given.json.touch()  # what cannot be kept is said before the run, and not after it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a way out through every `finally`
    for broker in given.brokers:
        say(f"{broker}: starting")
        with place(broker) as where:
            run_table(rows, where, tell=say)
    print(text_table(rows, given.brokers), flush=True)
    if given.json is not None:
        found = {"table": [row.as_json() for row in rows]}
        given.json.write_text(
            json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    failed = [row for row in rows if not row.has_held]
    print(f"{len(rows) - len(failed)} of {len(rows)} attacks came to nothing", flush=True)
    return 1 if failed else 0


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="the outcome for programs")
    return parser.parse_args(arguments)
