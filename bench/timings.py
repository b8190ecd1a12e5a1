"""Times that were measured, as figures."""

from bench.figures import Measured, Over


def quantiles(values: list[float]) -> dict[str, float]:
    """The median, and what 99 of 100 are within."""
    ordered = sorted(values)
    return {
        f"p{percent}": ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]
        for percent in (50, 99)
    }


def milliseconds(name: str, seconds: float, *, over: Over, at: float) -> Measured:
    """One time at its place of a curve."""
    return Measured(name=name, value=seconds * 1000, unit="ms", over=over, at=at)
