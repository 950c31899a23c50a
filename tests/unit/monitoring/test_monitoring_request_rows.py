"""One typed row for each prediction."""

import io
import json
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from monitoring_examples import RECORD

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.signatures import Kind, Signature
from pierhead.monitoring.services.parquet_rows import PARQUET
from pierhead.monitoring.services.request_columns import OWN, Columns, columns_of, prediction_columns
from pierhead.monitoring.services.request_rows import Unpacked, Unpacking
from pierhead.serving.domain.table_tags import Mask, TablePolicy

AGE = Signature((("age", Kind.LONG), ("city", Kind.STRING)))


class Known:
    def __init__(self, signature: Signature | None) -> None:
        self._signature = signature

    def find(self, _model_name: str, _model_version: str) -> Signature | None:
        return self._signature


def asked(content: Any, predictions: Any, **changes: Any) -> InferenceRecord:
    request = content if isinstance(content, bytes) else json.dumps(content).encode()
    response = json.dumps({"predictions": predictions}).encode()
    return msgspec.structs.replace(RECORD, **{"request": request, "response": response, **changes})


def unpacked(
    *records: InferenceRecord,
    signature: Signature | None = None,
    columns: Columns | None = None,
    policy: TablePolicy | None = None,
) -> Unpacked:
    return Unpacking(Known(signature), lambda _id: policy or TablePolicy(), columns or Columns(OWN)).unpack(records)


def features(found: Unpacked) -> dict[str, Any]:
    return {name: found.rows[name].to_pylist() for name in found.rows.column_names if name not in OWN.names}


def test_a_row_has_the_types_of_the_signature() -> None:
    found = unpacked(asked({"dataframe_records": [{"city": "Bonn", "age": 7}, {"age": 8}]}, [0, 1]), signature=AGE)
    assert features(found) == {"prediction": [0.0, 1.0], "city": ["Bonn", None], "age": [7, 8]}
    assert found.rows.schema.field("age").type == pa.int64()
    assert (found.counts, found.problems) == ([2], [[]])


def test_a_row_says_who_answered_and_why() -> None:
    record = asked({"inputs": [1]}, [2], route="shadow", shadow_of="r-0", bucket=17, client_request_id="c-1")
    (row,) = unpacked(record).rows.to_pylist()
    wanted = {
        "databricks_request_id": "r-1",
        "row_index": 0,
        "client_request_id": "c-1",
        "entity_key": "c-1",
        "endpoint_name": "wine",
        "served_entity_name": "wine-2",
        "model_id": "main.wine.quality/2",
        "model_name": "main.wine.quality",
        "model_version": "2",
        "route": "shadow",
        "bucket": 17,
        "shadow_of": "r-0",
        "prediction_proba": None,
        "prediction": 2.0,
        "feature_0": 1.0,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert row["timestamp"].isoformat() == "2023-11-14T22:13:20.123000+00:00"


def test_columns_that_the_signature_does_not_name_are_no_features() -> None:
    found = unpacked(asked({"inputs": {"age": [1], "city": ["x"], "noise": [2]}}, [0]), signature=AGE)
    assert "noise" not in found.rows.column_names


def test_without_a_signature_kinds_follow_from_the_values() -> None:
    content = {"dataframe_records": [{"n": 1, "b": True, "t": "x", "o": {"deep": [1]}, "none": None}]}
    found = unpacked(asked(content, ["yes"]))
    assert features(found) == {
        "prediction": ["yes"], "n": [1.0], "b": [True], "t": ["x"], "o": ['{"deep":[1]}'], "none": [None],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind"),
    [({"inputs": [[1, 2], [3, 4]]}, "application/json"), (b"feature_0,feature_1\n1,2\n3,4\n", "text/csv")],
    ids=["tensor", "csv"],
)
def test_numbers_of_tensors_and_of_csv_are_doubles(body: Any, kind: str) -> None:
    found = unpacked(asked(body, [0, 0], request_content_type=kind), signature=Signature(tensor=Kind.DOUBLE))
    assert features(found) == {"prediction": [0.0, 0.0], "feature_0": [1.0, 3.0], "feature_1": [2.0, 4.0]}


def parquet(columns: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_a_parquet_body_becomes_rows() -> None:
    body = parquet({"city": ["Bonn", None], "age": [1.0, 2.0], "__index_level_0__": [7, 8]})
    found = unpacked(asked(body, [0, 1], request_content_type=PARQUET), signature=AGE)
    assert features(found) == {"prediction": [0.0, 1.0], "city": ["Bonn", None], "age": [1, 2]}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"PAR1", "REQUEST_UNREADABLE"),
        (parquet({"age": [1, 2, 3]}), "ROWS_DIFFER"),
        (parquet({"city": ["x" * 40_000_000] * 2}), "REQUEST_TOO_LARGE"),
    ],
    ids=["none", "other-rows", "bursting"],
)
def test_a_parquet_body_that_is_not_taken_says_why(body: bytes, problem: str) -> None:
    found = unpacked(asked(body, [0, 1], request_content_type=PARQUET), signature=AGE)
    assert (found.counts, found.problems) == ([2], [[problem]])


def test_rows_of_images_become_one_cell() -> None:
    found = unpacked(asked({"inputs": [[[1, 2], [3, 4]]]}, [0]), signature=Signature(tensor=Kind.DOUBLE))
    assert features(found) == {"prediction": [0.0], "features": ["[[1,2],[3,4]]"]}


def test_a_cell_that_does_not_fit_is_null_and_its_request_says_so() -> None:
    good, bad = ({"dataframe_records": [{"age": age, "city": "x"}]} for age in (1.0, "old"))
    found = unpacked(asked(good, [0]), asked(bad, [0]), signature=AGE)
    assert found.rows["age"].to_pylist() == [1, None]
    assert found.problems == [[], ["CELLS_UNFIT"]]


@pytest.mark.parametrize(
    ("changes", "count", "problem"),
    [
        ({"request": None}, 1, "REQUEST_NOT_KEPT"),
        ({"request": b"{"}, 1, "REQUEST_UNREADABLE"),
        ({"request": b'{"inputs": [1, 2]}'}, 1, "ROWS_DIFFER"),
        ({"request_content_type": "image/png"}, 1, "REQUEST_FORMAT_UNKNOWN"),
        ({"response": None}, 0, "RESPONSE_NOT_KEPT"),
        ({"response": b"{"}, 0, "RESPONSE_UNREADABLE"),
    ],
)
def test_what_cannot_be_unpacked_is_told_and_predictions_stay(changes: Any, count: int, problem: str) -> None:
    found = unpacked(asked({"inputs": [1]}, [2], **changes), asked({"inputs": [1]}, [3]))
    assert (found.counts, found.problems) == ([count, 1], [[problem], []])
    assert found.rows["prediction"].to_pylist() == [2.0, 3.0][1 - count :]


def test_a_failed_invocation_has_no_predictions() -> None:
    assert unpacked(asked({"inputs": [1]}, [2], status_code=400)).counts == [0]


@pytest.mark.parametrize(
    ("answer", "prediction", "proba"),
    [
        ([0.2, 0.7, 0.1], 1.0, [0.2, 0.7, 0.1]),
        ([0.5, 3.5], "[0.5,3.5]", None),
        ([4], 4.0, None),
        ({"prediction": "cat", "probability": 0.9}, "cat", [0.9]),
        ({"probabilities": [0.9, 0.1]}, 0.0, [0.9, 0.1]),
        ({"y": 2.5}, 2.5, None),
        ({"y": 1, "z": 2}, '{"y":1,"z":2}', None),
        (True, True, None),
        (None, None, None),
    ],
)
def test_a_prediction_and_its_probabilities(answer: Any, prediction: Any, proba: Any) -> None:
    (row,) = unpacked(asked({"inputs": [1]}, [answer])).rows.to_pylist()
    assert (row["prediction"], row["prediction_proba"]) == (prediction, proba)


def test_another_type_of_the_same_feature_has_a_column_of_its_own() -> None:
    columns = Columns(OWN)
    first = unpacked(asked({"inputs": {"x": [1], "y": [1]}}, [0]), columns=columns)
    second = unpacked(asked({"inputs": {"x": ["a"], "y": [2]}}, ["b"]), columns=columns)
    assert features(first) == {"prediction": [0.0], "x": [1.0], "y": [1.0]}
    assert features(second) == {"prediction__string": ["b"], "x__string": ["a"], "y": [2.0]}
    both = pa.unify_schemas([first.rows.schema, second.rows.schema])
    assert columns_of(both) == {"x": ["x", "x__string"], "y": ["y"]}
    assert prediction_columns(both) == ["prediction", "prediction__string"]


def test_a_number_goes_into_the_wider_column_that_is_there() -> None:
    columns = Columns(pa.schema([*OWN, ("age", pa.float64()), ("city", pa.string())]))
    found = unpacked(asked({"inputs": {"age": [1], "city": ["x"]}}, [0]), signature=AGE, columns=columns)
    assert found.rows["age"].to_pylist() == [1.0]
    assert "age__long" not in found.rows.column_names


def test_names_of_ours_and_names_that_differ_in_case_have_columns_of_their_own() -> None:
    found = unpacked(asked({"inputs": {"timestamp": ["t"], "Route": [1], "X": [1], "x": [2]}}, [0]))
    assert features(found) == {
        "prediction": [0.0], "feature__timestamp": ["t"], "feature__Route": [1.0], "X": [1.0], "x__double": [2.0],
    }  # fmt: skip
    assert {"timestamp", "Route"} <= columns_of(found.rows.schema).keys()


def test_a_caller_cannot_make_columns_without_end() -> None:
    columns = Columns(OWN)
    many = {"inputs": {f"x{number}": [number] for number in range(1100)}}
    found = unpacked(asked(many, [0]), columns=columns)
    assert len(found.rows.column_names) == 1000 + len(OWN)
    assert found.problems == [["COLUMNS_LEFT_OUT"]]


def test_an_entity_key_is_taken_from_the_field_that_the_endpoint_names() -> None:
    policy = TablePolicy(entity_key="customer")
    content = {"dataframe_records": [{"age": 1, "city": "x", "customer": 17}, {"age": 2, "city": "y"}]}
    found = unpacked(asked(content, [0, 0], client_request_id="c"), signature=AGE, policy=policy)
    assert found.rows["entity_key"].to_pylist() == ["17", None]


def test_masked_columns_are_text_and_dropped_ones_are_no_columns() -> None:
    policy = TablePolicy(masks={"age": Mask.HASH, "city": Mask.DROP})
    found = unpacked(asked({"inputs": {"age": ["0af"], "city": [None]}}, [0]), signature=AGE, policy=policy)
    assert features(found) == {"prediction": [0.0], "age": ["0af"]}
