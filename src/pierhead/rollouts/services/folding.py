"""From the gateways' records to the observations that rollouts count."""

from collections.abc import Iterable

from pierhead.gateway.records import InferenceRecord
from pierhead.rollouts.domain.observations import Observation, Route, observe
from pierhead.rollouts.domain.readings import Reading

_ROUTES = {route.value: route for route in Route}


def fold(reading: Reading, records: Iterable[InferenceRecord], *, is_by_unit: bool) -> None:
    """Count the records. `is_by_unit` says whether the endpoint deals out its requests by a header or a field.

    Calls of one served entity by its own address are of no arm and do not count.
    """
    for record in records:
        route = _ROUTES.get(record.route)
        if route is not None:
            reading.fold(_observation(record, route, is_by_unit))


def _observation(record: InferenceRecord, route: Route, is_by_unit: bool) -> Observation:
    return observe(
        request_id=record.request_id,
        at_ms=record.timestamp_ms,
        route=route,
        status=record.status_code,
        error_code=record.error_code,
        latency_ms=record.execution_duration_ms,
        request=record.request,
        response=record.response,
        bucket=record.bucket,
        unit=record.unit_hash if is_by_unit else None,
        shadow_of=record.shadow_of,
        content_type=record.request_content_type,
    )
