"""A made-up record."""

from pierhead.gateway.records import InferenceRecord

RECORD = InferenceRecord(
    request_id="r-1",
    client_request_id=None,
    timestamp_ms=1_700_000_000_123,
    status_code=200,
    execution_duration_ms=2.6,
    sampling_rate=1.0,
    request=b'{"inputs": [1]}',
    request_content_type="application/json",
    response=b'{"predictions": [0]}',
    logging_error_codes=[],
    endpoint_name="wine",
    endpoint_id="e-1",
    config_version=3,
    served_entity_id="s-1",
    served_entity_name="wine-2",
    model_name="main.wine.quality",
    model_version="2",
    requester="admin",
    queue_ms=0.25,
    predict_ms=1.5,
    error_code=None,
)
