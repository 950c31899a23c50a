"""A compiled version answers what MLflow's own scoring function answers, or declines; whatever is sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.property.compile.drawn_requests import ASKS_MLFLOW, FORMATS, bodies, tensors
from tests.property.compile.revealing_models import DOUBLES, NAMED, Pair, pair, same

from pierhead.compile.domain.artifact import ColumnSpec
from pierhead.compile.runtime.scoring import Declined
from pierhead.worker.scoring import Answer


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("revealing")
    unnamed = [ColumnSpec(None, "double")] * 3
    return {
        "named": pair(made(folder / "named"), NAMED),
        "doubles": pair(made(folder / "doubles"), DOUBLES),
        "single": pair(made(folder / "single"), [ColumnSpec("only", "double")]),
        "unnamed": pair(made(folder / "unnamed"), unnamed),
        "float64": pair(made(folder / "float64"), unnamed, is_tensor=True),
        "float32": pair(made(folder / "float32"), [ColumnSpec(None, "float")] * 2, is_tensor=True),
        "int64": pair(made(folder / "int64"), [ColumnSpec(None, "long")] * 2, is_tensor=True),
    }


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


# --- what is compared


def agrees(asked: Pair, content_type: str, body: bytes) -> Answer | Declined:
    """The compiled version's answer, which MLflow's function bears out."""
    found = asked.compiled.score(content_type, body)
    if isinstance(found, Declined):
        return found
    original = asked.original.score(content_type, body)
    if found.status == 200:
        assert original.status == 200, f"{body!r}: MLflow says {original.body!r}"
        assert same(json.loads(found.body), json.loads(original.body)), f"{body!r}: {found.body!r} {original.body!r}"
    else:
        assert found.status == original.status == 400, f"{body!r}: MLflow says {original.body!r}"
        assert found.message
    return found


@ASKS_MLFLOW
@given(data=st.data(), which=st.sampled_from(["named", "named", "doubles", "single"]))
def test_requests_by_column_name_are_answered_as_by_mlflow_or_declined(
    pairs: dict[str, Pair], data: st.DataObject, which: str
) -> None:
    asked = pairs[which]
    agrees(asked, "application/json", json.dumps(data.draw(bodies(list(asked.columns)))).encode())


@ASKS_MLFLOW
@given(data=st.data(), which=st.sampled_from(["float64", "float32", "int64", "unnamed"]))
def test_rows_without_names_are_answered_as_by_mlflow_or_declined(
    pairs: dict[str, Pair], data: st.DataObject, which: str
) -> None:
    asked = pairs[which]
    agrees(asked, "application/json", json.dumps(data.draw(tensors(list(asked.columns)))).encode())


DAMAGE = [
    *(b"", b"0", b"-0", b"-", b",", b'"', b"]", b"}", b" ", b".", b"e5", b"[[", b"// ", b"1e999", b"-1e-999"),
    *(b"\xff", b"\xc3\xa9", b"\\ud800", b"\\u0000", b"\x01", b"\x00", b"\\", b"\xef\xbb\xbf", b'"\\u0061"'),
    *(b"NaN", b"Infinity", b"null", b"true", b"9007199254740993", b"123456789012345678901234567890"),
    b"0.1000000000000000055511151231257827",
]


@ASKS_MLFLOW
@given(data=st.data(), piece=st.sampled_from(DAMAGE))
def test_damaged_text_is_never_answered_where_mlflow_refuses(
    pairs: dict[str, Pair], data: st.DataObject, piece: bytes
) -> None:
    asked = pairs["doubles"]
    rows = [[1.25, -3, "Oslo"], [0.5, 0, "Bergen"]]
    names = ["a", "b", "c"]
    body = json.dumps(data.draw(st.sampled_from([*FORMATS.values()]))(data.draw, names, rows)).encode()
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(len(body), start + 3)))
    agrees(asked, "", body[:start] + piece + body[end:])


@ASKS_MLFLOW
@given(number=st.from_regex(rb"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_every_way_to_write_a_number_has_the_same_value(pairs: dict[str, Pair], number: bytes) -> None:
    found = agrees(
        pairs["single"], "", b'{"dataframe_split": {"columns": ["only"], "data": [[' + number + b"], [1.5]]}}"
    )
    assume(isinstance(found, Answer))


PLAIN_ROWS = [[0.5, "Oslo", 0.1, 3, -4, True, None], [2, "nowhere", None, 2**53, 0, False, 1e300]]
PLAIN_NAMES = [str(column.name) for column in NAMED]
PLAIN_RECORDS = [dict(zip(PLAIN_NAMES, row, strict=True)) for row in PLAIN_ROWS]
TURNED = list(reversed(PLAIN_NAMES))
TURNED_ROWS = [list(reversed(row)) for row in PLAIN_ROWS]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": PLAIN_NAMES, "data": PLAIN_ROWS}},
        {"dataframe_split": {"columns": TURNED, "data": TURNED_ROWS, "index": [7, 7]}},
        {"dataframe_split": {"columns": [*TURNED, "more"], "data": [[*row, 1] for row in TURNED_ROWS]}},
        {"dataframe_records": PLAIN_RECORDS},
        {"dataframe_records": [{"more": 1, **PLAIN_RECORDS[0]}, {**PLAIN_RECORDS[1], "less": "x"}]},
        {"instances": PLAIN_RECORDS, "client_request_id": "7"},
        {"inputs": {name: [record[name] for record in PLAIN_RECORDS] for name in TURNED}, "usage_context": {"a": "b"}},
    ],
    ids=["split", "split turned", "split more", "records", "records more", "instances", "inputs by column"],
)
def test_plain_requests_are_answered_and_not_declined(pairs: dict[str, Pair], body: Any) -> None:
    found = agrees(pairs["named"], "application/json; charset=utf-8", json.dumps(body).encode())
    assert isinstance(found, Answer)
    assert found.status == 200


@pytest.mark.parametrize("key", ["inputs", "instances"])
@pytest.mark.parametrize("which", ["float64", "float32", "int64"])
def test_plain_tensors_are_answered_and_not_declined(pairs: dict[str, Pair], which: str, key: str) -> None:
    width = len(pairs[which].columns)
    found = agrees(pairs[which], "", json.dumps({key: [[1] * width, [-7] * width]}).encode())
    assert isinstance(found, Answer)
    assert found.status == 200


REFUSED = [
    b"",
    b"{",
    b"[1]",
    b"7",
    b'{"x": "\xff"}',
    b"{}",
    b'{"rows": []}',
    b'{"inputs": [], "instances": []}',
    b'{"dataframe_split": []}',
    b'{"dataframe_split": {"columns": ["a"]}}',
    b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2]]}}',
    b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}',
    b'{"dataframe_split": {"columns": ["a", "b", "c"], "data": [["abc", 2, "x"]]}}',
    b'{"dataframe_records": {}}',
    b'{"dataframe_records": [{"a": 1, "b": 2}]}',
    b'{"dataframe_records": [{"a": "old", "b": 2, "c": ""}]}',
    b'{"instances": [{"a": 1, "b": 2}]}',
    b'{"instances": [[1, 2, 3]]}',
    b'{"inputs": {"a": [1], "b": [2]}}',
    b'{"inputs": {"a": ["old"], "b": [2], "c": ["x"]}}',
]


@pytest.mark.parametrize("body", REFUSED, ids=[str(at) for at in range(len(REFUSED))])
def test_what_mlflow_refuses_for_sure_is_refused_here(pairs: dict[str, Pair], body: bytes) -> None:
    found = agrees(pairs["doubles"], "", body)
    assert isinstance(found, Answer)
    assert found.status == 400


@pytest.mark.parametrize("body", [b'{"inputs": [[1, 2]]}', b'{"instances": [[1, 2, 3], [1]]}'])
def test_tensors_of_the_wrong_width_are_refused_here(pairs: dict[str, Pair], body: bytes) -> None:
    found = agrees(pairs["float64"], "", body)
    assert isinstance(found, Answer)
    assert found.status == 400


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "application/json; charset=latin-1", "application/vnd.apache.parquet", "Application/JSON"],
)
def test_other_content_types_are_for_the_original(pairs: dict[str, Pair], content_type: str) -> None:
    body = json.dumps({"dataframe_records": [{"a": 1, "b": 2, "c": "x"}]}).encode()
    assert isinstance(pairs["doubles"].compiled.score(content_type, body), Declined)
