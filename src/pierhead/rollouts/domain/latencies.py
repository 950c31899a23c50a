"""Latencies as counts in buckets that are 2 % wide."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

LEAST_MS = 0.1
MOST_MS = 300_000.0
RATIO = 1.02
_LOG_RATIO = math.log(RATIO)
_LAST = math.ceil(math.log(MOST_MS / LEAST_MS) / _LOG_RATIO) + 1


def _edges() -> NDArray[np.float64]:
    inner = LEAST_MS * RATIO ** np.arange(_LAST)
    return np.concatenate(([0.0], inner, [np.inf]))


EDGES = _edges()
"""Milliseconds, one more than there are buckets: the first bucket ends at 0.1 ms, the last is without end."""


class Latencies:
    """How many calls fell into each bucket."""

    __slots__ = ("counts", "total")

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts = dict(counts or {})
        self.total = sum(self.counts.values())

    def add(self, latency_ms: float) -> None:
        place = 0
        if latency_ms > LEAST_MS:
            place = min(int(math.log(latency_ms / LEAST_MS) / _LOG_RATIO) + 1, _LAST)
        self.counts[place] = self.counts.get(place, 0) + 1
        self.total += 1

    def merge(self, other: "Latencies") -> None:
        for place, count in other.counts.items():
            self.counts[place] = self.counts.get(place, 0) + count
        self.total += other.total

    def dense(self) -> NDArray[np.int64]:
        """A count for each bucket of EDGES."""
        counts = np.zeros(len(EDGES) - 1, np.int64)
        counts[list(self.counts)] = list(self.counts.values())
        return counts

    def quantile(self, share: float) -> float:
        """The upper edge of the bucket that holds the quantile, ms. Raises ValueError of nothing.

        >>> round(Latencies({100: 98, 200: 2}).quantile(0.5), 6) == round(0.1 * 1.02**100, 6)
        True
        """
        rest = share * self.total
        for place in sorted(self.counts):
            rest -= self.counts[place]
            if rest <= 0:
                return float(EDGES[min(place + 1, _LAST)])
        raise ValueError("there is no quantile of nothing")

    def to_json(self) -> list[list[int]]:
        return [[place, self.counts[place]] for place in sorted(self.counts)]

    @classmethod
    def from_json(cls, pairs: list[list[int]]) -> "Latencies":
        return cls({place: count for place, count in pairs})
