"""What is counted for one served entity, as cheaply as can be."""

from bisect import bisect_left
from collections import defaultdict

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS


class Counts:
    """Counters since the gateway's start, or since the entity went over to its present version."""

    __slots__ = (
        "declined",
        "latency_counts",
        "latency_sum_ms",
        "predict_counts",
        "predict_sum_ms",
        "queue_counts",
        "queue_sum_ms",
        "statuses",
        "wakeup_counts",
        "wakeup_sum_ms",
    )

    def __init__(self) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.latency_counts, self.latency_sum_ms = _none(), 0.0
        self.queue_counts, self.queue_sum_ms = _none(), 0.0
        self.wakeup_counts, self.wakeup_sum_ms = _none(), 0.0
        self.predict_counts, self.predict_sum_ms = _none(), 0.0
        self.declined = 0

    def observe(self, status: int, total_ms: float) -> None:
        """An invocation ended. 499 stands for a caller who did not wait."""
        self.statuses[status] += 1
        self.latency_counts[bisect_left(LATENCY_BOUNDS_MS, total_ms)] += 1
        self.latency_sum_ms += total_ms

    def observe_parts(self, queue_ms: float, wakeup_ms: float, predict_ms: float) -> None:
        """Where the time of an invocation went that a worker answered. Most wait for no wake-up, and do not count."""
        self.queue_counts[bisect_left(LATENCY_BOUNDS_MS, queue_ms)] += 1
        self.queue_sum_ms += queue_ms
        self.predict_counts[bisect_left(LATENCY_BOUNDS_MS, predict_ms)] += 1
        self.predict_sum_ms += predict_ms
        if wakeup_ms:
            self.wakeup_counts[bisect_left(LATENCY_BOUNDS_MS, wakeup_ms)] += 1
            self.wakeup_sum_ms += wakeup_ms


def _none() -> list[int]:
    return [0] * (len(LATENCY_BOUNDS_MS) + 1)
