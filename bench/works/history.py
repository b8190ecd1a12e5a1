"""How long a page of history takes over HTTP, at its newest, in the middle and at its beginning,
and catching up after an absence; in archives of ever more messages, all of one conversation."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from bench.archive import long_conversation
from bench.figures import Measured
from bench.reading import seconds_a_page
from bench.scale import Scale
from bench.systems import CLUSTER, Katydid, Systems, katydid
from bench.timings import milliseconds, quantiles
from bench.works import Measure

_LIMIT = 50


def prepare(systems: Systems, scale: Scale, ended: ExitStack) -> Mapping[str, Measure]:
    """By database; each archive has an installation of its own."""
    measures: dict[str, Measure] = {}
    for name in systems.databases:
        if name == CLUSTER:
            continue
        running = {
            messages: ended.enter_context(katydid(name, archive=long_conversation(messages)))
            for messages in scale.archives
        }
        for each in running.values():
            _seconds(each, "", scale.pages)  # every worker has its connections
        measures[name] = partial(_measure, running, scale)
    return measures


def _measure(running: Mapping[int, Katydid], scale: Scale) -> list[Measured]:
    return [
        milliseconds(f"{page} page, {quantile}", seconds, over="messages", at=messages)
        for messages, system in running.items()
        for page, cursor in _pages(messages).items()
        for quantile, seconds in quantiles(_seconds(system, cursor, scale.pages)).items()
    ]


def _pages(messages: int) -> dict[str, str]:
    return {
        "newest": "",
        "middle": f"&before={messages // 2}",
        "oldest": f"&before={_LIMIT + 1}",
        "catch-up": f"&after={messages - _LIMIT}",
    }


def _seconds(system: Katydid, cursor: str, number: int) -> list[float]:
    reader, peer = system.people[0], system.people[1]
    path = f"/api/v1/conversations/{peer.account}/messages?limit={_LIMIT}{cursor}"
    return seconds_a_page(system.installation.url, reader, path, number)
