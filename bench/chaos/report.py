"""What a run is told as: a table for people, JSON for programs."""

from bench.chaos.run import Outcome
from bench.chaos.verdict import Kind

_COLUMNS = {
    "sent": "sent",
    "archived": "archived",
    "lost": "lost",
    "doubled": "doubled",
    "disordered": "out of order",
    "shown_not_archived": "shown, not archived",
    "not_shown": "not shown",
    "longest_pause_seconds": "longest pause",
}


def report(outcome: Outcome) -> str:
    """The table of one run, and what there is to say to it."""
    lines = [
        f"{outcome.plan.broker} and {outcome.plan.database}, seed {outcome.plan.seed},"
        f" {outcome.plan.seconds:.0f} s, {len(outcome.faults)} faults;"
        f" settled {outcome.seconds_to_settle:.0f} s afterwards",
        f"{'':17}" + "".join(f"  {title}" for title in _COLUMNS.values()),
        *(_line(name, kind) for name, kind in outcome.kinds.items()),
    ]
    for name, kind in outcome.kinds.items():
        lines += [
            f"{name}, {what.replace('_', ' ')}: {', '.join(texts)}"
            for what, texts in kind.examples.items()
        ]
    lines += outcome.remarks
    good = "nothing was lost, doubled or out of order for those who have an outbox"
    lines.append(good if outcome.is_clean else f"NOT so: {good}; it can be run again by its seed")
    return "\n".join(lines)


def _line(name: str, kind: Kind) -> str:
    cells = [
        f"{getattr(kind, field)}{' s' if field.endswith('seconds') else ''}".rjust(len(title))
        for field, title in _COLUMNS.items()
    ]
    return f"{name:17}" + "".join(f"  {cell}" for cell in cells)
