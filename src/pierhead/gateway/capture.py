"""What of an invocation goes into the inference table."""

import zlib
from typing import NamedTuple

import msgspec

from pierhead.gateway.records import InferenceRecord, encode
from pierhead.serving.domain.snapshot import EndpointRoute, EntityRoute, Principal

LARGEST_BODY_BYTES = 1024 * 1024
"""A larger request or response is left out of its record."""


class Outcome(NamedTuple):
    """How an invocation ended; times in milliseconds."""

    status: int
    body: bytes
    error_code: str | None
    total_ms: float
    queue_ms: float
    predict_ms: float


class Asked(NamedTuple):
    """What was asked, by whom, of what; `body` as the caller sent it."""

    request_id: str
    client_request_id: str | None
    timestamp_ms: int
    principal: Principal
    content_type: str
    body: bytes
    endpoint: EndpointRoute
    entity: EntityRoute


def is_sampled(request_id: str, rate: float) -> bool:
    """Whether this request is among the share `rate` (0-1) that is kept: the same for the same id, always.

    >>> is_sampled("a", 1.0), is_sampled("a", 0.0)
    (True, False)
    """
    return rate >= 1 or zlib.crc32(request_id.encode()) < rate * 2**32


def record_of(asked: Asked, outcome: Outcome, sampling_rate: float) -> bytes:
    """The encoded inference record."""
    missing = []
    if len(asked.body) > LARGEST_BODY_BYTES:
        missing.append("MAX_REQUEST_SIZE_EXCEEDED")
    if len(outcome.body) > LARGEST_BODY_BYTES:
        missing.append("MAX_RESPONSE_SIZE_EXCEEDED")
    endpoint, entity = asked.endpoint, asked.entity
    return encode(
        InferenceRecord(
            request_id=asked.request_id,
            client_request_id=asked.client_request_id,
            timestamp_ms=asked.timestamp_ms,
            status_code=outcome.status,
            execution_duration_ms=outcome.total_ms,
            sampling_rate=sampling_rate,
            request=None if len(asked.body) > LARGEST_BODY_BYTES else asked.body,
            request_content_type=asked.content_type,
            response=None if len(outcome.body) > LARGEST_BODY_BYTES else outcome.body,
            logging_error_codes=missing,
            endpoint_name=endpoint.name,
            endpoint_id=endpoint.endpoint_id,
            config_version=endpoint.config_version,
            served_entity_id=entity.entity_id,
            served_entity_name=entity.name,
            model_name=entity.model_name,
            model_version=entity.model_version,
            requester=asked.principal.user_name,
            queue_ms=outcome.queue_ms,
            predict_ms=outcome.predict_ms,
            error_code=outcome.error_code,
        )
    )


class _Failure(msgspec.Struct):
    error_code: str | None = None


_failure = msgspec.json.Decoder(_Failure)


def error_code_of(body: bytes) -> str | None:
    """The `error_code` in a failed answer of a worker, if it has one."""
    try:
        return _failure.decode(body).error_code
    except (msgspec.DecodeError, RecursionError):
        return None
