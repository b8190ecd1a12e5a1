"""How long a search takes among very many messages of one account, for many kinds of questions: as
the site asks, without the network."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from statistics import median

from bench.figures import Measured
from bench.installation import postgres
from bench.scale import Scale
from bench.systems import CLUSTER, SQLITE, Systems
from bench.texts import chance, searched, vocabulary
from bench.timings import milliseconds, quantiles
from bench.works import Measure
from chat.database import Database
from chat.models import Account
from chat.search import search


def prepare(systems: Systems, scale: Scale, ended: ExitStack) -> Mapping[str, Measure]:
    """By database, without an installation."""
    measures: dict[str, Measure] = {}
    for name in systems.databases:
        if name == CLUSTER:
            continue
        archive = searched(scale.searched)
        url = (
            f"sqlite:///{archive.sqlite_file()}"
            if name == SQLITE
            else ended.enter_context(postgres(like=archive.postgres_folder()))[0]
        )
        database = Database(url)
        ended.callback(database.close)
        measures[name] = partial(_measure, database, _questions(), scale)
    return measures


def _questions() -> dict[str, Callable[[], str]]:
    """Makes one of each kind; the same ones in each run."""
    words, dice = vocabulary(), chance(3)
    return {
        "the most common word": lambda: words[dice.randrange(3)],
        "a common word": lambda: words[dice.randrange(20, 200)],
        "a word of 1 in 10,000": lambda: words[dice.randrange(5_000, 20_000)],
        "a word of 1 in 100,000": lambda: "xylophone",
        "a word of 1 in 1,000": lambda: "quetzal",
        "two common words": lambda: " ".join(dice.sample(words[:200], 2)),
        "three words": lambda: " ".join(dice.sample(words[:2_000], 3)),
        "a common and a rare word": lambda: f"{words[0]} xylophone",
        "two that never meet": lambda: "xylophone quetzal",
        "a word that nobody said": lambda: "".join(dice.choices("bcdfghjklmnpqrst", k=8)),
        "two characters of Han": lambda: "漢字",
        "two letters": lambda: "ka",
        "two letters, nowhere": lambda: "wx",
    }


def _measure(
    database: Database, questions: Mapping[str, Callable[[], str]], scale: Scale
) -> list[Measured]:
    place = partial(milliseconds, over="messages", at=scale.searched)
    found, everything = [], []
    for kind, ask in questions.items():
        took = [_seconds(database, ask()) for _ in range(scale.questions)]
        everything += took
        found.append(place(f"{kind}, p50", median(took)))
    for quantile, seconds in quantiles(everything).items():
        found.append(place(f"all kinds, {quantile}", seconds))
    return found


def _seconds(database: Database, query: str) -> float:
    began = time.perf_counter()
    with database.searching() as session:
        search(session, account=session.get_one(Account, 1), query=query)
    return time.perf_counter() - began
