"""Values that must not get into a table."""

import json
from typing import Any

import msgspec
import pytest
from monitoring_examples import RECORD

from pierhead.monitoring.domain.masking import Masking
from pierhead.serving.domain.table_tags import Mask

MASKING = Masking(b"key")
MASKS = {"ssn": Mask.HASH, "name": Mask.DROP}
HASHED = MASKING.hashed("17")


def masked(body: bytes, content_type: str = "application/json", **changes: Any) -> Any:
    record = msgspec.structs.replace(RECORD, request=body, request_content_type=content_type, **changes)
    return MASKING.masked(record, MASKS)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (
            {"dataframe_split": {"columns": ["a", "ssn", "name"], "data": [[1, 17, "Ada"], [2, None, None]]}},
            {"dataframe_split": {"columns": ["a", "ssn", "name"], "data": [[1, HASHED, None], [2, None, None]]}},
        ),
        ({"dataframe_records": [{"ssn": "17", "a": 1}]}, {"dataframe_records": [{"ssn": HASHED, "a": 1}]}),
        ({"instances": [{"name": "Ada"}], "ssn": 17}, {"instances": [{"name": None}], "ssn": HASHED}),
        ({"inputs": {"ssn": [17, 17], "a": [1, 2]}}, {"inputs": {"ssn": [HASHED, HASHED], "a": [1, 2]}}),
        ({"inputs": [{"a": {"ssn": 17}}]}, {"inputs": [{"a": {"ssn": HASHED}}]}),
    ],
)
def test_masked_fields_are_replaced_in_every_format(content: Any, kept: Any) -> None:
    record = masked(json.dumps(content).encode())
    assert (json.loads(record.request), record.logging_error_codes) == (kept, [])


def test_masked_columns_of_csv_are_replaced() -> None:
    assert masked(b"a,ssn,name\n1,17,Ada\n", "text/csv").request == f"a,ssn,name\n1,{HASHED},\n".encode()


@pytest.mark.parametrize(
    "body", [b"{", b'{"instances": [["Ada"]]}', b'{"messages": ["Ada"]}', b'{"inputs": "Ada"}'], ids=range(4)
)
def test_a_request_that_cannot_be_searched_is_left_out_and_says_so(body: bytes) -> None:
    record = masked(body)
    assert (record.request, record.logging_error_codes) == (None, ["REQUEST_NOT_MASKABLE"])


def test_what_a_failed_model_says_is_left_out() -> None:
    record = masked(b'{"inputs": {"a": 1}}', status_code=400, response=b'{"message": "Ada is no number"}')
    assert (record.response, record.logging_error_codes) == (None, ["RESPONSE_NOT_MASKABLE"])


def test_masked_fields_of_an_answer_are_replaced() -> None:
    record = masked(b'{"inputs": {"a": 1}}', response=b'{"predictions": [{"name": "Ada", "p": 1}]}')
    assert json.loads(record.response) == {"predictions": [{"name": None, "p": 1}]}


def test_without_masks_a_record_stays_as_it_is() -> None:
    assert MASKING.masked(RECORD, {}) is RECORD


def test_hashes_of_another_installation_are_others() -> None:
    assert Masking(b"other").hashed("17") != HASHED == MASKING.hashed(17)
