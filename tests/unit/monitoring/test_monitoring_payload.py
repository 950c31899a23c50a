"""Inference records as rows."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.payload import problem_of, text_of
from pierhead.monitoring.services.payload_rows import SCHEMA, rows_of

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


def row_of(**changes: Any) -> dict[str, Any]:
    (row,) = rows_of([msgspec.structs.replace(RECORD, **changes)]).to_pylist()
    return row  # type: ignore[no-any-return]


def test_the_first_columns_are_those_of_a_databricks_inference_table() -> None:
    assert [f"{field.name} {field.type}" for field in SCHEMA][:12] == [
        "databricks_request_id string",
        "request_date date32[day]",
        "client_request_id string",
        "request_time timestamp[us, tz=UTC]",
        "status_code int32",
        "sampling_fraction double",
        "execution_duration_ms int64",
        "request string",
        "response string",
        "logging_error_codes list<item: string>",
        "served_entity_id string",
        "requester string",
    ]


def test_a_record_becomes_a_row() -> None:
    assert row_of() == {
        "databricks_request_id": "r-1",
        "request_date": date(2023, 11, 14),
        "client_request_id": None,
        "request_time": datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC),
        "status_code": 200,
        "sampling_fraction": 1.0,
        "execution_duration_ms": 3,
        "request": '{"inputs": [1]}',
        "response": '{"predictions": [0]}',
        "logging_error_codes": [],
        "served_entity_id": "s-1",
        "requester": "admin",
        "request_content_type": "application/json",
        "endpoint_name": "wine",
        "endpoint_id": "e-1",
        "config_version": 3,
        "served_entity_name": "wine-2",
        "model_name": "main.wine.quality",
        "model_version": "2",
        "queue_ms": 0.25,
        "predict_ms": 1.5,
        "error_code": None,
        "gateway_ms": pytest.approx(0.85),
        "error_class": None,
        "route": "",
        "bucket": None,
        "unit_hash": None,
        "shadow_of": None,
        "request_rows": None,
        "unpacking_problems": None,
    }


def test_a_body_that_was_not_kept_is_null_and_says_why() -> None:
    row = row_of(request=None, logging_error_codes=["MAX_REQUEST_SIZE_EXCEEDED"])
    assert (row["request"], row["logging_error_codes"]) == (None, ["MAX_REQUEST_SIZE_EXCEEDED"])


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        ("application/x-parquet", "data:application/x-parquet;base64,/w=="),
        ("Text/CSV; charset=latin-1", "data:text/csv;base64,/w=="),
        ("", "data:application/octet-stream;base64,/w=="),
        ("a,b", "data:application/octet-stream;base64,/w=="),
    ],
)
def test_a_body_that_is_no_text_becomes_a_data_uri(content_type: str, text: str) -> None:
    assert text_of(b"\xff", content_type) == text


@dataclass(frozen=True)
class Unfit:
    field: str
    value: object


@pytest.mark.parametrize(
    "unfit",
    [
        Unfit("timestamp_ms", -1),
        Unfit("timestamp_ms", 2**60),
        Unfit("status_code", 2**40),
        Unfit("status_code", -1),
        Unfit("execution_duration_ms", float("nan")),
        Unfit("execution_duration_ms", 1e300),
        Unfit("config_version", 2**63),
    ],
)
def test_a_record_that_fits_no_row_is_told_by_its_field(unfit: Unfit) -> None:
    problem = problem_of(msgspec.structs.replace(RECORD, **{unfit.field: unfit.value}))
    assert problem is not None
    assert unfit.field in problem


def test_no_records_make_a_table_without_rows() -> None:
    assert rows_of([]).num_rows == 0
