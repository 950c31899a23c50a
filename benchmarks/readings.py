"""What was measured, and what it says."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """One run against one server. `generator_load` is the share of one core that the load generator itself used."""

    connections: int
    seconds: float
    requests: int
    failures: int
    p50_ms: float
    p99_ms: float
    generator_load: float

    @property
    def rate(self) -> float:
        """Requests answered with 200 per second."""
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True)
class Row:
    """All runs of both servers at one number of connections, in the order of the rounds."""

    connections: int
    ours: tuple[Reading, ...]
    theirs: tuple[Reading, ...]

    @property
    def ratios(self) -> list[float]:
        """How many times more requests per second ours answered, for each round: neighbours in time."""
        return [ours.rate / theirs.rate for ours, theirs in zip(self.ours, self.theirs, strict=True) if theirs.rate]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank quantile of sorted values; NaN if there are none.

    >>> quantile([1, 2, 3, 4], 0.5), quantile([1, 2, 3, 4], 0.99)
    (2, 4)
    """
    if not ordered:
        return float("nan")
    rank = -int(-share * len(ordered) // 1)
    return ordered[max(0, rank - 1)]


def middle(readings: Sequence[Reading]) -> Reading:
    """The run with the median rate."""
    return sorted(readings, key=lambda reading: reading.rate)[len(readings) // 2]


def typical_ratio(row: Row) -> float:
    """The median of the rounds' ratios; NaN if the other server answered nothing."""
    return statistics.median(row.ratios) if row.ratios else float("nan")
