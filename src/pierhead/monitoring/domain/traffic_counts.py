"""What gateways counted for an endpoint in a window, and what follows from it."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import log10

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS, EntityTraffic
from pierhead.statistics.sequential.ratio import srm_p

_BUCKETS = len(LATENCY_BOUNDS_MS) + 1
_LEAST_P = 1e-300


def _no_latencies() -> list[int]:
    return [0] * _BUCKETS


@dataclass(slots=True)
class TrafficCounts:
    """Counts of one window; shadows are left out, as everywhere.

    `latencies` has one entry for each of `LATENCY_BOUNDS_MS` and one for the rest. `points` is the weight of each
    entity in the window; None once it changed, or an entity of it could not answer.
    """

    by_status: Counter[str] = field(default_factory=Counter)
    latencies: list[int] = field(default_factory=_no_latencies)
    by_entity: Counter[str] = field(default_factory=Counter)
    limited: int = 0
    dropped: int = 0
    points: dict[str, int] | None = None
    is_mixed: bool = False

    @property
    def requests(self) -> int:
        return self.by_status.total() + self.limited

    @property
    def server_errors(self) -> int:
        """Answers with status 5xx."""
        return sum(count for status, count in self.by_status.items() if status.startswith("5"))

    def add(self, other: "TrafficCounts") -> None:
        """Take in what was counted elsewhere, or later, under the same weights or others."""
        weights = [each.points for each in (self, other) if each.by_entity]
        # What came while a ramp dealt has no weights, and can be held against no others.
        self.is_mixed = self.is_mixed or None in weights or any(each != weights[0] for each in weights)
        if other.by_entity or self.points is None:
            self.points = other.points
        self.count(other)

    def count(self, other: "TrafficCounts") -> None:
        """Take in what was counted at the same time, under the weights that hold for all of it."""
        self.by_status.update(other.by_status)
        self.latencies = [a + b for a, b in zip(self.latencies, other.latencies, strict=True)]
        self.by_entity.update(other.by_entity)
        self.limited += other.limited
        self.dropped += other.dropped
        self.is_mixed = self.is_mixed or other.is_mixed


def entity_counts(entity: EntityTraffic, before: EntityTraffic | None) -> TrafficCounts:
    """What an entity's counters grew by; those that fell began anew."""
    old_status = before.requests_by_status if before else {}
    if sum(entity.requests_by_status.values()) < sum(old_status.values()):
        before, old_status = None, {}
    by_status = Counter(entity.requests_by_status)
    by_status.subtract(old_status)
    latencies = _grown(entity.latency_counts, before.latency_counts if before else [])
    total = max(0, by_status.total())
    return TrafficCounts(+by_status, latencies, Counter({entity.entity: total} if total else {}))


def grown(now: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """By how much counters grew; one that fell began anew.

    >>> grown({"a": 5, "b": 1}, {"a": 3, "b": 4})
    {'a': 2, 'b': 1}
    """
    return {key: value - before.get(key, 0) if value >= before.get(key, 0) else value for key, value in now.items()}


def pooled(counts: Iterable[TrafficCounts]) -> TrafficCounts:
    total = TrafficCounts()
    for each in counts:
        total.add(each)
    return total


def latency_ms(latencies: list[int], share: float) -> float | None:
    """A quantile, ms, within its bucket by straight line; None of nothing.

    >>> latency_ms([0] * 8 + [100] + [0] * 10, 0.5)
    75.0
    """
    total = sum(latencies)
    if not total:
        return None
    sums = list(accumulate(latencies))
    place = min(bisect_right(sums, share * total), _BUCKETS - 1)
    lower = LATENCY_BOUNDS_MS[place - 1] if place else 0.0
    if place == _BUCKETS - 1 or not latencies[place]:
        return float(lower)
    inside = (share * total - (sums[place] - latencies[place])) / latencies[place]
    return lower + (LATENCY_BOUNDS_MS[place] - lower) * inside


def sample_ratio(counts: TrafficCounts) -> float | None:
    """-log10 of the chi-square p-value of the entities' counts against their weights; None without a choice."""
    if counts.is_mixed or counts.points is None:
        return None
    weights = {name: points for name, points in counts.points.items() if points}
    if len(weights) < 2 or not any(counts.by_entity.get(name) for name in weights):
        return None
    names = sorted(weights)
    p_value = srm_p([counts.by_entity.get(name, 0) for name in names], [weights[name] for name in names])
    return -log10(max(p_value, _LEAST_P)) + 0.0


def _grown(now: list[int], before: list[int]) -> list[int]:
    padded = [*before, *_no_latencies()]
    return [max(0, count - padded[place]) for place, count in enumerate([*now, *_no_latencies()][:_BUCKETS])]
