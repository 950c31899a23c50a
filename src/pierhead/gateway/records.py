"""The inference record: one per answered invocation, written to the spool before the answer leaves."""

from collections.abc import Iterable

import msgspec


class InferenceRecord(msgspec.Struct, frozen=True, array_like=True):
    """Times in milliseconds, `timestamp_ms` since 1970. A body is None where `logging_error_codes` says why."""

    request_id: str
    client_request_id: str | None
    timestamp_ms: int
    status_code: int
    execution_duration_ms: float
    sampling_rate: float
    request: bytes | None
    request_content_type: str
    response: bytes | None
    logging_error_codes: list[str]
    endpoint_name: str
    endpoint_id: str
    config_version: int
    served_entity_id: str
    served_entity_name: str
    model_name: str
    model_version: str
    requester: str
    queue_ms: float
    predict_ms: float
    error_code: str | None
    route: str = ""
    """Why this entity answered: `primary`, `candidate` of a ramp, `direct` if the caller named it, `shadow` if it got
    a copy and answered nobody. "" in records of older gateways."""
    bucket: int | None = None
    """The unit's bucket, 0-9999, under the ramp's salt if there is one, else the endpoint's; None if nobody asked."""
    unit_hash: str | None = None
    """The 64-bit hash that the bucket was made of, 16 hexadecimal digits."""
    shadow_of: str | None = None
    """Of a shadow's record, the `request_id` of the request that it is a copy of."""


PRIMARY, CANDIDATE, DIRECT, SHADOW = "primary", "candidate", "direct", "shadow"
"""Values of `InferenceRecord.route`."""

Fields = tuple[object, ...]
"""The fields of a record in their order. On the way to the spool there is no record: it costs as much as encoding."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(InferenceRecord)


def encode(record: InferenceRecord) -> bytes:
    return _encoder.encode(record)


def encode_all(records: Iterable[Fields]) -> list[bytes]:
    """Each of the records encoded, as `decode` understands it."""
    return list(map(_encoder.encode, records))


def decode(raw: bytes) -> InferenceRecord:
    """Raises msgspec.DecodeError if `raw` is no record."""
    return _decoder.decode(raw)
