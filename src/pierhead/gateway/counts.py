"""What is counted for one served entity, as cheaply as can be."""

from bisect import bisect_left
from collections import defaultdict

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS


class Counts:
    """Counters since the gateway's start, or since the entity went over to its present version."""

    __slots__ = ("declined", "latency_counts", "latency_sum_ms", "statuses")

    def __init__(self) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.latency_counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        self.latency_sum_ms = 0.0
        self.declined = 0

    def observe(self, status: int, total_ms: float) -> None:
        """An invocation ended. 499 stands for a caller who did not wait."""
        self.statuses[status] += 1
        self.latency_counts[bisect_left(LATENCY_BOUNDS_MS, total_ms)] += 1
        self.latency_sum_ms += total_ms
