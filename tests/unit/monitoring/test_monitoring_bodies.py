"""Every input format of MLflow's scoring protocol as rows."""

import json
from typing import Any

import pytest

from pierhead.monitoring.domain.bodies import Unreadable, predictions_of, rows_of_request

ROWS = [[1, "x"], [None, "y"]]
RECORDS = [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ({"dataframe_split": {"columns": ["a", "b"], "data": ROWS}}, ("a", "b"), ROWS),
        ({"dataframe_split": {"data": ROWS, "index": [7, 8]}}, None, ROWS),
        ({"dataframe_split": {"columns": [0, 1], "data": ROWS}}, ("0", "1"), ROWS),
        ({"dataframe_records": RECORDS}, ("a", "b"), ROWS),
        ({"dataframe_records": [{"a": 1}, {"b": 2}]}, ("a", "b"), [[1, None], [None, 2]]),
        ({"instances": RECORDS}, ("a", "b"), ROWS),
        ({"instances": [1, 2]}, None, [[1], [2]]),
        ({"instances": ROWS}, None, ROWS),
        ({"inputs": {"a": [1, None], "b": ["x", "y"]}}, ("a", "b"), [(1, "x"), (None, "y")]),
        ({"inputs": {"a": 1, "b": "x"}}, ("a", "b"), [(1, "x")]),
        ({"inputs": "a text"}, None, [["a text"]]),
        ({"inputs": [[1], [2, 3]]}, None, [[[1]], [[2, 3]]]),
        ({"inputs": [], "client_request_id": "7"}, None, []),
    ],
)
def test_each_format_becomes_rows(content: Any, names: Any, rows: Any) -> None:
    found = rows_of_request(json.dumps(content).encode(), "application/json; charset=utf-8")
    assert (found.names, list(found.rows)) == (names, rows)


def test_a_csv_body_becomes_rows_of_text() -> None:
    found = rows_of_request(b'\xef\xbb\xbfa,b\r\n1,"x, y"\r\n,z\r\n', "text/csv; charset=utf-8")
    assert found == (("a", "b"), [["1", "x, y"], [None, "z"]])


def test_not_a_number_is_read_as_python_writes_it() -> None:
    [[value]] = rows_of_request(b'{"inputs": [NaN]}', "").rows
    assert value != value


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/json", "REQUEST_UNREADABLE"),
        (b"[" * 100_000, "application/json", "REQUEST_UNREADABLE"),
        (b"[]", "application/json", "REQUEST_FORMAT_UNKNOWN"),
        (b'{"messages": []}', "application/json", "REQUEST_FORMAT_UNKNOWN"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', "application/json", "REQUEST_UNREADABLE"),
        (b'{"dataframe_split": [1]}', "application/json", "REQUEST_UNREADABLE"),
        (b'{"inputs": {"a": [1], "b": [1, 2]}}', "application/json", "REQUEST_UNREADABLE"),
        (b"a,b\n1\n", "text/csv", "REQUEST_UNREADABLE"),
        (b"", "text/csv", "REQUEST_UNREADABLE"),
        (b"\xff", "text/csv", "REQUEST_UNREADABLE"),
        (b"PAR1", "application/vnd.apache.parquet", "REQUEST_FORMAT_UNKNOWN"),
    ],
)
def test_what_cannot_be_read_says_why(body: bytes, content_type: str, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        rows_of_request(body, content_type)
    assert str(caught.value) == code


@pytest.mark.parametrize(
    ("body", "predictions"),
    [
        (b'{"predictions": [1, 2]}', [1, 2]),
        (b"[1]", [1]),
        (b'{"predictions": {"p": [1, 2]}}', [{"p": 1}, {"p": 2}]),
        (b'{"predictions": {"p": 1}}', [{"p": 1}]),
        (b'{"predictions": "one"}', ["one"]),
    ],
)
def test_an_answer_has_an_entry_for_each_row(body: bytes, predictions: list[Any]) -> None:
    assert predictions_of(body) == predictions


def test_an_answer_without_predictions_says_so() -> None:
    with pytest.raises(Unreadable, match="RESPONSE_UNREADABLE"):
        predictions_of(b'{"outputs": []}')
