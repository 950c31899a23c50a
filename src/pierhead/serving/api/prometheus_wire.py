"""Traffic in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterator
from itertools import accumulate

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS
from pierhead.serving.services.traffic import EndpointTraffic

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(traffic: EndpointTraffic) -> str:
    """All series of one endpoint; durations in seconds, as Prometheus wants them."""
    return "\n".join([*_requests(traffic), *_durations(traffic), *_in_flight(traffic), *_dropped(traffic)]) + "\n"


def _requests(traffic: EndpointTraffic) -> Iterator[str]:
    yield from _head("pierhead_requests_total", "counter", "Invocations answered, by HTTP status.")
    for entity, total in traffic.by_entity.items():
        for status, count in sorted(total.requests_by_status.items()):
            labels = _labels(endpoint=traffic.endpoint, entity=entity, status=status)
            yield f"pierhead_requests_total{labels} {count}"


def _durations(traffic: EndpointTraffic) -> Iterator[str]:
    name = "pierhead_request_duration_seconds"
    yield from _head(name, "histogram", "Time from the whole request to the whole answer, as the gateway saw it.")
    bounds = [*(f"{bound_ms / 1000:g}" for bound_ms in LATENCY_BOUNDS_MS), "+Inf"]
    for entity, total in traffic.by_entity.items():
        counts = list(accumulate(total.latency_counts))
        for bound, count in zip(bounds, counts, strict=True):
            yield f"{name}_bucket{_labels(endpoint=traffic.endpoint, entity=entity, le=bound)} {count}"
        labels = _labels(endpoint=traffic.endpoint, entity=entity)
        yield f"{name}_sum{labels} {total.latency_sum_ms / 1000:.6g}"
        yield f"{name}_count{labels} {counts[-1]}"


def _in_flight(traffic: EndpointTraffic) -> Iterator[str]:
    yield from _head("pierhead_requests_in_flight", "gauge", "Invocations that wait for their answer.")
    for entity, total in traffic.by_entity.items():
        yield f"pierhead_requests_in_flight{_labels(endpoint=traffic.endpoint, entity=entity)} {total.in_flight}"


def _dropped(traffic: EndpointTraffic) -> Iterator[str]:
    name = "pierhead_inference_records_dropped_total"
    yield from _head(name, "counter", "Inference records of all endpoints that could not be kept.")
    yield f"{name} {traffic.records_dropped}"


def _head(name: str, kind: str, description: str) -> tuple[str, str]:
    return f"# HELP {name} {description}", f"# TYPE {name} {kind}"


def _labels(**labels: str) -> str:
    """Labels with their values escaped.

    >>> _labels(endpoint='a"b')
    '{endpoint="a\\\\"b"}'
    """
    pairs = (f'{key}="{_escape(value)}"' for key, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
