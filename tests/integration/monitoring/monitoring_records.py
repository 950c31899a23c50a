"""Made-up inference records."""

from pierhead.gateway.records import InferenceRecord, encode

TABLE = "main.wine.quality_payload"


def record(number: int, **changes: object) -> bytes:
    values: dict[str, object] = {
        "request_id": f"r-{number}",
        "client_request_id": None,
        "timestamp_ms": 1_700_000_000_000 + number,
        "status_code": 200,
        "execution_duration_ms": 1.0,
        "sampling_rate": 1.0,
        "request": b'{"inputs": [1]}',
        "request_content_type": "application/json",
        "response": b'{"predictions": [0]}',
        "logging_error_codes": [],
        "endpoint_name": "wine",
        "endpoint_id": "e-1",
        "config_version": 1,
        "served_entity_id": "s-1",
        "served_entity_name": "wine-1",
        "model_name": "main.wine.quality",
        "model_version": "1",
        "requester": "admin",
        "queue_ms": 0.1,
        "predict_ms": 0.5,
        "error_code": None,
    }
    return encode(InferenceRecord(**{**values, **changes}))  # type: ignore[arg-type]
