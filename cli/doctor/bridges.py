"""The bridges: whether every shard is served, and what has not been done yet that should be."""

from collections.abc import Iterator
from datetime import timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from chat.chores import is_overdue
from chat.examining import messages_not_searched, notifications_overdue
from chat.retention import CHORE
from chat.shards import SILENT_AFTER_SECONDS, unserved_shards
from chat.times import now
from chat.topics import SHARDS, shard_digit
from cli.doctor.findings import Finding, ok, skipped, warning, wrong
from cli.doctor.installation import Installation

# As many as a search looks at without the index.
_SEARCHED_ANYWAY = 2_000
_TOLD_WITHIN = timedelta(minutes=10)
_DELETED_WITHIN_SECONDS = 86_400


def check_leases(installation: Installation) -> Iterator[Finding]:
    """All shards have a bridge that serves them."""
    if not installation.has_tables or not installation.runs:
        yield skipped("bridge", "Whether all shards are served: nothing runs, or SQL is not ready.")
        return
    with installation.database.reading() as session:
        unserved = unserved_shards(session)
    names = ", ".join(sorted(installation.bridges)) or "none"
    if not unserved:
        yield ok("bridge", f"All {SHARDS} shards are served; bridges: {names}.")
        return
    digits = ", ".join(shard_digit(shard) for shard in unserved)
    yield wrong(
        "bridge",
        f"For {SILENT_AFTER_SECONDS:.0f} s no bridge has served these shards: {digits} (bridges"
        f" that run: {names}).",
        f"See why in {installation.settings.logs_dir}/bridge.log; together the bridges'"
        " KATYDID_SHARDS_SERVED must name all. What is written meanwhile waits at the broker.",
    )


def check_archive_lag(installation: Installation) -> Iterator[Finding]:
    """The index of texts, the notifications, what is kept too long, and what the bridge counts as
    trouble."""
    if not installation.has_tables:
        return
    with installation.database.searching() as session:
        behind = messages_not_searched(session)
        overdue = notifications_overdue(session, now() - _TOLD_WITHIN)
        keeps_too_long = is_overdue(session, CHORE, seconds=_DELETED_WITHIN_SECONDS)
    if behind > _SEARCHED_ANYWAY:
        yield warning(
            "lag",
            f"{behind:,} messages are not in the index of texts yet; older ones of them are not"
            " found.",
            "The site brings it up to date while it runs, some minutes for each million.",
        )
    else:
        yield ok("lag", "Every message is found by search.")
    if overdue:
        yield warning(
            "lag",
            f"{overdue:,} notifications were due more than ten minutes ago.",
            f"See whether push runs, and why not, in {installation.settings.logs_dir}/push.log.",
        )
    if keeps_too_long:
        yield warning(
            "lag",
            "For a day, nobody has looked for messages that are no longer to be kept.",
            f"The site deletes them while it runs; see why not in {installation.settings.logs_dir}"
            "/web.log.",
        )
    yield from _counted(installation)


def _counted(installation: Installation) -> Iterator[Finding]:
    counts = _counts_of(installation)
    refused = counts.get("katydid_copies_refused_total", 0)
    retries = counts.get("katydid_database_retries_total", 0)
    if refused:
        yield warning(
            "lag",
            f"Since the start, the broker has refused {refused:,.0f} delivered copies.",
            "The archive has them, and clients fetch what they miss; ./katydid explain tells of"
            " one. Often, it is a node of the broker that is away.",
        )
    if retries:
        yield warning(
            "lag",
            f"Since the start, {retries:,.0f} batches had to be tried again, as the database did"
            " not take them.",
            f"See why in {installation.settings.logs_dir}/bridge.log; nothing was lost.",
        )


def _counts_of(installation: Installation) -> dict[str, float]:
    """What all processes of this machine have counted; nothing where they do not count here."""
    folder = installation.settings.metrics_dir
    if not folder.is_dir():
        return {}
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return {
        sample.name: sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.labels
    }
