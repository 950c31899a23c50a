"""What happened between two readings of the gateways' counters. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS
from pierhead.serving.services.traffic import EndpointTraffic, TrafficTotal


@dataclass(frozen=True, slots=True)
class Rates:
    """One served entity over the time between two readings, and how it stood at the second. Latencies are None if
    nothing was answered."""

    endpoint: str
    entity: str
    version: str
    requests_per_s: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    in_flight: int
    waiting: int
    workers: int
    errors_per_s: float
    """Answers of 500 and above."""
    limited_per_s: float
    """Answers of 429, of the endpoint as a whole."""


def rates(before: Mapping[str, EndpointTraffic], after: Mapping[str, EndpointTraffic], seconds: float) -> list[Rates]:
    """By endpoint and entity. A counter that is smaller than before has begun anew."""
    found = []
    for name, endpoint in after.items():
        earlier = before.get(name)
        limited = endpoint.limited - (0 if earlier is None else earlier.limited)
        for entity, total in endpoint.by_entity.items():
            former = None if earlier is None else earlier.by_entity.get(entity)
            found.append(
                _of(name, entity, former or TrafficTotal(), total, seconds, limited_per_s=max(0, limited) / seconds)
            )
    return found


def quantile_ms(counts: Sequence[int], share: float) -> float | None:
    """The latency below which this share of the answers lies, as exact as the histogram's buckets; None without any.

    >>> quantile_ms([0, 0, 0, 10] + [0] * 15, 0.5)
    1.5
    """
    total = sum(counts)
    if not total:
        return None
    wanted = share * total
    reached = 0
    for number, count in enumerate(counts):
        if count and reached + count >= wanted:
            low = LATENCY_BOUNDS_MS[number - 1] if number else 0.0
            # What is beyond the last bound is only known to be beyond it.
            high = LATENCY_BOUNDS_MS[number] if number < len(LATENCY_BOUNDS_MS) else low
            return low + (high - low) * (wanted - reached) / count
        reached += count
    return float(LATENCY_BOUNDS_MS[-1])


def _of(
    endpoint: str, entity: str, former: TrafficTotal, now: TrafficTotal, seconds: float, *, limited_per_s: float
) -> Rates:
    is_new = sum(now.latency_counts) < sum(former.latency_counts) or now.model_version != former.model_version
    base = TrafficTotal() if is_new else former
    counts = [max(0, new - old) for new, old in zip(now.latency_counts, base.latency_counts, strict=True)]
    statuses = now.requests_by_status - base.requests_by_status
    errors = sum(count for status, count in statuses.items() if int(status) >= 500)
    limited = statuses["429"] / seconds
    return Rates(
        endpoint,
        entity,
        now.model_version,
        sum(statuses.values()) / seconds,
        quantile_ms(counts, 0.5),
        quantile_ms(counts, 0.95),
        quantile_ms(counts, 0.99),
        now.in_flight,
        now.waiting,
        now.workers,
        errors / seconds,
        limited_per_s + limited,
    )
