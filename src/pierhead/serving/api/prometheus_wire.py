"""Traffic in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS
from pierhead.serving.services.traffic import EndpointTraffic, Times, TrafficTotal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BOUNDS = (*(f"{bound_ms / 1000:g}" for bound_ms in LATENCY_BOUNDS_MS), "+Inf")


def exposition(found: Sequence[EndpointTraffic], *, records_dropped: int) -> str:
    """All series of these endpoints, by route (served entity) and model version; durations in seconds.

    `records_dropped` counts inference records of all endpoints.
    """
    families = (_requests, _durations, _parts, _gauges, _declined, _shadows, _limited)
    lines = [line for family in families for line in family(found)]
    return "\n".join([*lines, *_dropped(records_dropped)]) + "\n"


def _requests(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    yield from _head("pierhead_requests_total", "counter", "Invocations answered, by HTTP status.")
    yield from _by_status("pierhead_requests_total", found, is_shadow=False)


def _durations(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    name = "pierhead_request_duration_seconds"
    yield from _head(name, "histogram", "Time from the whole request to the whole answer, as the gateway saw it.")
    for labels, total in _entities(found):
        yield from _histogram(name, labels, Times(total.latency_counts, total.latency_sum_ms))


def _parts(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    """Where the time went of invocations that a worker answered."""
    for part, description in _PARTS.items():
        name = f"pierhead_request_{part}_seconds"
        yield from _head(name, "histogram", description)
        for labels, total in _entities(found):
            yield from _histogram(name, labels, total.parts[part])


_PARTS = {
    "queue": "Time that answered invocations waited, but for a wake-up.",
    "wakeup": "Time that answered invocations waited for a worker to start; only of those that did.",
    "predict": "Time that the model took for answered invocations.",
}


def _gauges(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    yield from _head("pierhead_requests_in_flight", "gauge", "Invocations that wait for their answer.")
    for labels, total in _entities(found):
        yield f"pierhead_requests_in_flight{_labels(labels)} {total.in_flight}"
    yield from _head("pierhead_requests_waiting", "gauge", "Invocations in flight that no worker has taken.")
    for labels, total in _entities(found):
        yield f"pierhead_requests_waiting{_labels(labels)} {total.waiting}"
    yield from _head("pierhead_workers", "gauge", "Workers that the gateways are connected to.")
    for labels, total in _entities(found):
        yield f"pierhead_workers{_labels(labels)} {total.workers}"


def _declined(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    name = "pierhead_requests_declined_total"
    yield from _head(name, "counter", "Invocations that a compiled model handed back to the original.")
    for labels, total in _entities(found):
        yield f"{name}{_labels(labels)} {total.declined}"


def _shadows(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    """Copies of other entities' invocations; the series above leave them out."""
    yield from _head("pierhead_shadow_requests_total", "counter", "Copies that a worker had, by HTTP status.")
    yield from _by_status("pierhead_shadow_requests_total", found, is_shadow=True)
    name = "pierhead_shadow_duration_seconds"
    yield from _head(name, "histogram", "Time that copies took from a worker's getting them on.")
    for labels, total in _entities(found):
        if total.shadow_requests_by_status:
            yield from _histogram(name, labels, total.shadow)
    name = "pierhead_shadows_dropped_total"
    yield from _head(name, "counter", "Copies that no worker ever had.")
    for labels, total in _entities(found):
        yield f"{name}{_labels(labels)} {total.shadows_dropped}"


def _limited(found: Sequence[EndpointTraffic]) -> Iterator[str]:
    name = "pierhead_requests_limited_total"
    yield from _head(name, "counter", "Invocations that a rate or queue limit sent away with 429.")
    for traffic in found:
        yield f"{name}{_labels({'endpoint': traffic.endpoint})} {traffic.limited}"


def _dropped(records: int) -> Iterator[str]:
    name = "pierhead_inference_records_dropped_total"
    yield from _head(name, "counter", "Inference records of all endpoints that could not be kept.")
    yield f"{name} {records}"


def _by_status(name: str, found: Sequence[EndpointTraffic], *, is_shadow: bool) -> Iterator[str]:
    for labels, total in _entities(found):
        counts = total.shadow_requests_by_status if is_shadow else total.requests_by_status
        for status, count in sorted(counts.items()):
            yield f"{name}{_labels({**labels, 'status': status})} {count}"


def _histogram(name: str, labels: dict[str, str], times: Times) -> Iterator[str]:
    counts = list(accumulate(times.counts))
    for bound, count in zip(_BOUNDS, counts, strict=True):
        yield f"{name}_bucket{_labels({**labels, 'le': bound})} {count}"
    yield f"{name}_sum{_labels(labels)} {times.sum_ms / 1000:.6g}"
    yield f"{name}_count{_labels(labels)} {counts[-1]}"


def _entities(found: Iterable[EndpointTraffic]) -> Iterator[tuple[dict[str, str], TrafficTotal]]:
    """Each served entity with the labels that every series of it has."""
    for traffic in found:
        for entity, total in traffic.by_entity.items():
            labels = {"endpoint": traffic.endpoint, "entity": entity}
            yield {**labels, "model": total.model_name, "model_version": total.model_version}, total


def _head(name: str, kind: str, description: str) -> tuple[str, str]:
    return f"# HELP {name} {description}", f"# TYPE {name} {kind}"


def _labels(labels: dict[str, str]) -> str:
    """Labels with their values escaped.

    >>> _labels({"endpoint": 'a"b'})
    '{endpoint="a\\\\"b"}'
    """
    pairs = (f'{key}="{_escape(value)}"' for key, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
