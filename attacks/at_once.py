"""Many at the same moment, and what each was answered."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx


def all_at_once(calls: Sequence[Callable[[], httpx.Response]]) -> Counter[int]:
    """Their statuses."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(each.result().status_code for each in [pool.submit(call) for call in calls])


def says(statuses: Counter[int]) -> str:
    return ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))


def listed(statuses: "set[int]") -> str:
    return ", ".join(map(str, sorted(statuses)))
