"""Inference records as the rows of a payload table.

The first twelve columns are those of a Databricks inference table, names, types and order alike; the others are ours.
`request` and `response` hold the body as text. A body that is not UTF-8 (Parquet, say) is a `data:` URI in Base64 with
its content type; a body that was not kept is null, and `logging_error_codes` says why. `request_date` is the UTC date
of `request_time`. `execution_duration_ms` is whole milliseconds; `queue_ms`, `predict_ms` and `gateway_ms` are exact
and add up to it. Columns after `error_code` are newer than the others: tables of older releases get them at the end,
null in the old rows.
"""

from collections.abc import Sequence

import pyarrow as pa

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.payload import text_of, whole_ms
from pierhead.monitoring.domain.payload_facts import error_class

_INSTANT = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("databricks_request_id", pa.string()),
        ("request_date", pa.date32()),
        ("client_request_id", pa.string()),
        ("request_time", _INSTANT),
        ("status_code", pa.int32()),
        ("sampling_fraction", pa.float64()),
        ("execution_duration_ms", pa.int64()),
        ("request", pa.string()),
        ("response", pa.string()),
        ("logging_error_codes", pa.list_(pa.string())),
        ("served_entity_id", pa.string()),
        ("requester", pa.string()),
        ("request_content_type", pa.string()),
        ("endpoint_name", pa.string()),
        ("endpoint_id", pa.string()),
        ("config_version", pa.int64()),
        ("served_entity_name", pa.string()),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        ("queue_ms", pa.float64()),
        ("predict_ms", pa.float64()),
        ("error_code", pa.string()),
        ("gateway_ms", pa.float64()),
        ("error_class", pa.string()),
        ("route", pa.string()),
        ("bucket", pa.int32()),
        ("unit_hash", pa.string()),
        ("shadow_of", pa.string()),
        ("request_rows", pa.int32()),
        ("unpacking_problems", pa.list_(pa.string())),
    ]
)
FIRST_COLUMNS = SCHEMA.names[: SCHEMA.names.index("error_code") + 1]
"""Those that a payload table of any release has."""


def rows_of(
    records: Sequence[InferenceRecord],
    counts: Sequence[int | None] | None = None,
    problems: Sequence[Sequence[str] | None] | None = None,
) -> pa.Table:
    """One row for each record, in order; none of them may have a problem that `problem_of` names.

    `counts` and `problems` are what unpacking said of each: rows of the requests table, and what could not be read.
    """
    times = pa.array([record.timestamp_ms for record in records], pa.timestamp("ms", tz="UTC")).cast(_INSTANT)
    columns = {
        "databricks_request_id": [record.request_id for record in records],
        "request_date": times.cast(pa.date32()),
        "client_request_id": [record.client_request_id for record in records],
        "request_time": times,
        "status_code": [record.status_code for record in records],
        "sampling_fraction": [record.sampling_rate for record in records],
        "execution_duration_ms": [whole_ms(record.execution_duration_ms) for record in records],
        "request": [text_of(record.request, record.request_content_type) for record in records],
        "response": [text_of(record.response) for record in records],
        "logging_error_codes": [record.logging_error_codes for record in records],
        "served_entity_id": [record.served_entity_id for record in records],
        "requester": [record.requester for record in records],
        "request_content_type": [record.request_content_type for record in records],
        "endpoint_name": [record.endpoint_name for record in records],
        "endpoint_id": [record.endpoint_id for record in records],
        "config_version": [record.config_version for record in records],
        "served_entity_name": [record.served_entity_name for record in records],
        "model_name": [record.model_name for record in records],
        "model_version": [record.model_version for record in records],
        "queue_ms": [record.queue_ms for record in records],
        "predict_ms": [record.predict_ms for record in records],
        "error_code": [record.error_code for record in records],
        "gateway_ms": [record.execution_duration_ms - record.queue_ms - record.predict_ms for record in records],
        "error_class": [error_class(record.status_code) for record in records],
        "route": [record.route for record in records],
        "bucket": [record.bucket for record in records],
        "unit_hash": [record.unit_hash for record in records],
        "shadow_of": [record.shadow_of for record in records],
        "request_rows": counts or [None] * len(records),
        "unpacking_problems": problems or [None] * len(records),
    }
    return pa.table(columns, schema=SCHEMA)
