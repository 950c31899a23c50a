"""From the gateways' records to the observations that rollouts and A/B tests count."""

from collections.abc import Collection, Iterable

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.masking import Masking
from pierhead.rollouts.domain.observations import Observation, Route, observe
from pierhead.rollouts.domain.readings import Reading
from pierhead.serving.domain.table_tags import Mask

_ROUTES = {route.value: route for route in Route}

_DROPPING = Masking(b"")
"""Drops alone need no key."""


def fold(reading: Reading, records: Iterable[InferenceRecord], masked: Collection[str] = ()) -> None:
    """Count the records, without their columns `masked`.

    Calls of one served entity by its own address are of no arm and do not count.
    """
    for record in records:
        route = _ROUTES.get(record.route)
        if route is not None:
            reading.fold(observation_of(record, route, masked))


def observation_of(record: InferenceRecord, route: Route, masked: Collection[str] = ()) -> Observation:
    """What a record tells. Masked columns are as if they were not there: readings are kept, and shown to people who may
    not see them."""
    kept = _DROPPING.masked(record, dict.fromkeys(masked, Mask.DROP))
    return observe(
        request_id=record.request_id,
        at_ms=record.timestamp_ms,
        route=route,
        status=record.status_code,
        error_code=record.error_code,
        latency_ms=record.execution_duration_ms,
        request=kept.request,
        response=kept.response,
        bucket=record.bucket,
        unit=record.unit_hash,
        shadow_of=record.shadow_of,
        content_type=record.request_content_type,
    )
