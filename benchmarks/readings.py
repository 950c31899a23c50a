"""What was measured, and what it says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """One run against one server."""

    connections: int
    seconds: float
    requests: int
    failures: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests answered with 200 per second."""
        return self.requests / self.seconds


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


def ratios(ours: Sequence[Reading], theirs: Sequence[Reading]) -> list[float]:
    """How many times more requests per second ours answered, for each round: neighbours in time. NaN for nothing."""
    pairs = zip(ours, theirs, strict=True)
    return [mine.rate / other.rate if other.rate else math.nan for mine, other in pairs]
