"""What an endpoint was asked and what was true, in tables that official clients read."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.platform import Platform


@pytest.fixture(scope="module")
def seen(platform: Platform) -> Any:
    return platform.run_client("inference.py", "main.compat.inference")


def test_each_prediction_is_a_typed_row_that_says_who_made_it(seen: Any) -> None:
    assert (seen["rows"], seen["predictions"], seen["features"], seen["counted"]) == (True,) * 4
    assert seen["types"] == ["double", "double", "double", "string"]
    assert seen["who"] == ["primary", True]


def test_masked_values_are_in_no_table(seen: Any) -> None:
    assert seen["masked"]


def test_labels_are_taken_once_and_meet_their_predictions(seen: Any) -> None:
    (first, again) = seen["added"]
    assert (first, again) == ([1, False], [0, True])
    ((predictions, labelled),) = seen["coverage"]
    assert predictions == labelled > 0


def test_the_catalog_shows_the_tables_and_their_views(seen: Any) -> None:
    assert seen["view"] == ["VIEW", ["databricks_request_id", "client_request_id", "date"]]
    assert seen["kinds"] == [
        "inference_labels",
        "inference_payload",
        "inference_payload_gateway",
        "inference_payload_legacy",
        "inference_payload_unity",
        "inference_requests",
    ]


def test_the_command_line_adds_labels_and_looks_into_tables(platform: Platform, seen: Any, tmp_path: Path) -> None:
    assert seen
    shown = platform.cli("tables", "show", "main.compat.inference_payload_legacy", "--rows", "1", "-o", "json")
    (row,) = json.loads(shown.stdout)["rows"]
    assert row["request_metadata"]["model_name"] == "main.compat.inference"
    listed = json.loads(platform.cli("tables", "inference", "-o", "json").stdout)["inference_tables"]
    (payload,) = [table for table in listed if table["full_name"] == "main.compat.inference_payload"]
    assert (payload["row_count"], payload["records_dropped"], payload["records_quarantined"]) == (1, 0, 0)
    refused = platform.cli("labels", "add", "compat-inference", "--file", str(_file(tmp_path)))
    assert (refused.returncode, "compat-inference" in refused.stderr) == (3, True)


def _file(folder: Path) -> Path:
    file = folder / "labels.csv"
    file.write_text("request_id,label\nr,1\n")
    return file
