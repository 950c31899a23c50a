"""Traffic in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterator
from itertools import accumulate

from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS
from pierhead.serving.services.traffic import EndpointTraffic

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(traffic: EndpointTraffic) -> str:
    """All series of one endpoint, by route (served entity) and model version; durations in seconds."""
    families = (_requests, _durations, _gauges, _declined, _limited, _dropped)
    return "\n".join([line for family in families for line in family(traffic)]) + "\n"


def _requests(traffic: EndpointTraffic) -> Iterator[str]:
    yield from _head("pierhead_requests_total", "counter", "Invocations answered, by HTTP status.")
    for entity, total in traffic.by_entity.items():
        for status, count in sorted(total.requests_by_status.items()):
            yield f"pierhead_requests_total{_of(traffic, entity, status=status)} {count}"


def _durations(traffic: EndpointTraffic) -> Iterator[str]:
    name = "pierhead_request_duration_seconds"
    yield from _head(name, "histogram", "Time from the whole request to the whole answer, as the gateway saw it.")
    bounds = [*(f"{bound_ms / 1000:g}" for bound_ms in LATENCY_BOUNDS_MS), "+Inf"]
    for entity, total in traffic.by_entity.items():
        counts = list(accumulate(total.latency_counts))
        for bound, count in zip(bounds, counts, strict=True):
            yield f"{name}_bucket{_of(traffic, entity, le=bound)} {count}"
        labels = _of(traffic, entity)
        yield f"{name}_sum{labels} {total.latency_sum_ms / 1000:.6g}"
        yield f"{name}_count{labels} {counts[-1]}"


def _gauges(traffic: EndpointTraffic) -> Iterator[str]:
    yield from _head("pierhead_requests_in_flight", "gauge", "Invocations that wait for their answer.")
    for entity, total in traffic.by_entity.items():
        yield f"pierhead_requests_in_flight{_of(traffic, entity)} {total.in_flight}"
    yield from _head("pierhead_requests_waiting", "gauge", "Invocations in flight that no worker has taken.")
    for entity, total in traffic.by_entity.items():
        yield f"pierhead_requests_waiting{_of(traffic, entity)} {total.waiting}"
    yield from _head("pierhead_workers", "gauge", "Workers that the gateways are connected to.")
    for entity, total in traffic.by_entity.items():
        yield f"pierhead_workers{_of(traffic, entity)} {total.workers}"


def _declined(traffic: EndpointTraffic) -> Iterator[str]:
    name = "pierhead_requests_declined_total"
    yield from _head(name, "counter", "Invocations that a compiled model handed back to the original.")
    for entity, total in traffic.by_entity.items():
        yield f"{name}{_of(traffic, entity)} {total.declined}"


def _limited(traffic: EndpointTraffic) -> Iterator[str]:
    name = "pierhead_requests_limited_total"
    yield from _head(name, "counter", "Invocations that a rate or queue limit sent away with 429.")
    yield f"{name}{_labels(endpoint=traffic.endpoint)} {traffic.limited}"


def _dropped(traffic: EndpointTraffic) -> Iterator[str]:
    name = "pierhead_inference_records_dropped_total"
    yield from _head(name, "counter", "Inference records of all endpoints that could not be kept.")
    yield f"{name} {traffic.records_dropped}"


def _of(traffic: EndpointTraffic, entity: str, **labels: str) -> str:
    """The labels that every series of a served entity has, and these."""
    total = traffic.by_entity[entity]
    return _labels(
        endpoint=traffic.endpoint, entity=entity, model=total.model_name, model_version=total.model_version, **labels
    )


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
