"""Whether a login's time tells who has an account: each name with each password, in turn, and the
statistics of it."""

import math
import statistics
import time
from collections.abc import Sequence
from itertools import product

import httpx

from attacks.figures import Flood
from attacks.place import Place
from bench.people import PASSWORD

# What a difference must be beyond, to be told from chance; at 0.05, one run of twenty would say so.
_UNLIKELY = 0.001
_SMALL = 0.05


def login_timing(place: Place, tries: int) -> Flood:
    """So many of each, interleaved; the place has no limit of logins."""
    flood = Flood(f"the time of {tries:,} logins of each kind", place.broker)
    known = place.newcomer()
    kinds = list(product(("known", "unknown"), ("right", "wrong")))
    took: dict[tuple[str, str], list[float]] = {kind: [] for kind in kinds}
    with httpx.Client(base_url=place.url, timeout=60) as client:
        for number in range(tries):
            for name, password in kinds:
                account = known if name == "known" else f"nobody-{number}"
                auth = (account, PASSWORD if password == "right" else f"wrong {number}")  # noqa: S105
                began = time.perf_counter()
                client.get("/api/v1/accounts/me", auth=auth)
                took[name, password].append(1000 * (time.perf_counter() - began))
    for (name, password), each in took.items():
        low, middle, high = statistics.quantiles(each, n=4)
        flood.numbers[f"{name} account, {password} password: median (quartiles) in ms"] = (
            f"{middle:.2f} ({low:.2f} – {high:.2f})"
        )
    same, share = mann_whitney(took["unknown", "wrong"], took["known", "wrong"])
    flood.numbers["unknown before known, wrong passwords: p, and how often it takes longer"] = (
        f"{same:.3f}, {share:.3f}"
    )
    if same < _UNLIKELY and abs(share - 0.5) > _SMALL:
        flood.wrong.append("the time of a login tells who has an account.")
    return flood


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """How likely two samples differ so much by chance (two-sided, by the normal approximation,
    without a correction for ties), and in which share of all pairs the first is the larger."""
    ranked = sorted([(each, 0) for each in one] + [(each, 1) for each in other])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    larger = ranks - len(one) * (len(one) + 1) / 2
    pairs = len(one) * len(other)
    spread = math.sqrt(pairs * (len(one) + len(other) + 1) / 12)
    return math.erfc(abs(larger - pairs / 2) / spread / math.sqrt(2)), larger / pairs
