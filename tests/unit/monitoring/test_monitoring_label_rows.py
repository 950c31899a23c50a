"""Labels as they come."""

import io
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.services.label_rows import csv_labels, json_labels, label_rows, parquet_labels

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def taken(found: pa.Table, **options: Any) -> list[dict[str, Any]]:
    rows, _ = label_rows(found, batch_id="b", source="test", now=NOW, **options)
    return rows.to_pylist()


def test_a_label_says_all_it_can() -> None:
    row = {"request_id": "r", "row_index": 2, "label": 1, "label_ts": "2026-01-01T10:00:00+02:00", "weight": 0.5}
    assert taken(json_labels([row | {"source": "desk"}])) == [
        {
            "entity_key": None,
            "databricks_request_id": "r",
            "row_index": 2,
            "label": "1",
            "label_number": 1.0,
            "label_ts": datetime(2026, 1, 1, 8, tzinfo=UTC),
            "ingest_ts": NOW,
            "source": "desk",
            "weight": 0.5,
            "batch_id": "b",
            "batch_row": 0,
        }
    ]


def test_what_is_not_said_has_a_default() -> None:
    (row,) = taken(json_labels([{"databricks_request_id": "r", "label": "cat"}]))
    assert (row["row_index"], row["label_number"], row["label_ts"], row["source"], row["weight"]) == (
        None, None, NOW, "test", 1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("label", "text", "number"),
    [(1.0, "1", 1.0), ("1", "1", 1.0), (True, "true", 1.0), (2.5, "2.5", 2.5), ("nan", "nan", None), ("", "", None)],
)
def test_a_label_is_text_and_a_number_if_it_is_one(label: Any, text: str, number: float | None) -> None:
    (row,) = taken(json_labels([{"request_id": "r", "label": label}]))
    assert (row["label"], row["label_number"]) == (text, number)


@pytest.mark.parametrize("moment", ["1767225600000", 1_767_225_600_000, "2026-01-01", datetime(2026, 1, 1)])
def test_moments_come_in_several_forms(moment: Any) -> None:
    found = pa.table({"request_id": ["r"], "label": ["x"], "label_ts": [moment]})
    assert taken(found)[0]["label_ts"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_same_labels_come_as_csv_and_parquet() -> None:
    buffer = io.BytesIO()
    table = pa.table({"entity_key": [7, 8], "label": [1.0, float("nan")], "withdraw": [False, True]})
    pyarrow.parquet.write_table(table, buffer)
    wanted = [("7", "1"), ("8", None)]
    for found in (csv_labels(b"entity_key,label,withdraw\n7,1,false\n8,,true\n"), parquet_labels(buffer.getvalue())):
        assert [(row["entity_key"], row["label"]) for row in taken(found)] == wanted


def test_rows_without_a_label_are_left_out_and_counted() -> None:
    rows, skipped = label_rows(
        json_labels([{"request_id": "a", "label": None}, {"request_id": "b", "label": 1}]),
        batch_id="b", source="", now=NOW,
    )  # fmt: skip
    assert (rows["databricks_request_id"].to_pylist(), skipped) == (["b"], 1)


def test_entity_keys_are_hashed_as_the_table_has_them() -> None:
    (row,) = taken(json_labels([{"entity_key": 17, "label": 1}]), hash_key=lambda key: f"<{key}>")
    assert row["entity_key"] == "<17>"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": 1}, "row 0 of the labels needs either"),
        ({"request_id": "r", "entity_key": "e", "label": 1}, "needs either"),
        ({"request_id": "r", "row_index": -1, "label": 1}, "negative row_index"),
        ({"request_id": "r", "row_index": "first", "label": 1}, "row_index 'first' is no integer"),
        ({"request_id": "r", "label": 1, "weight": -1}, "weight"),
        ({"request_id": "r", "label": 1, "label_ts": "yesterday"}, "label_ts 'yesterday'"),
        ({"request_id": "r", "label": 1, "label_ts": "2226-01-01"}, "more than a day in the future"),
        ({"request_id": "r", "lable": 1}, "not lable"),
        ({"request_id": "r"}, "need a column 'label'"),
        ({"request_id": "r", "databricks_request_id": "r", "label": 1}, "at most once"),
    ],
)
def test_what_is_no_label_is_refused_by_name(row: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        taken(json_labels([row]))


@pytest.mark.parametrize("rows", [[], {}, [1], None])
def test_labels_are_a_list_of_objects(rows: Any) -> None:
    with pytest.raises(InvalidArgument, match="list of objects"):
        json_labels(rows)


def test_files_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="no CSV"):
        csv_labels(b"")
    with pytest.raises(InvalidArgument, match="no Parquet"):
        parquet_labels(b"PAR1")
