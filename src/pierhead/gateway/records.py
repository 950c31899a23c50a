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
