"""Which payload proves a model, and what counts as proof."""

import json
from pathlib import Path
from typing import Any

import pytest

from pierhead.worker.proof import NotProved, find_payload, payload_of_example, prove
from pierhead.worker.scoring import Answer, Scorer, refusal, without_request_id


class Columns:
    def __init__(self, *inputs: dict[str, Any]) -> None:
        self.inputs = inputs

    def to_dict(self) -> list[dict[str, Any]]:
        return list(self.inputs)


class Metadata:
    """As much of an MLmodel as a proof looks at."""

    def __init__(self, *columns: dict[str, Any], example: dict[str, Any] | None = None) -> None:
        self.saved_input_example_info = example
        self._columns = Columns(*columns)

    def get_input_schema(self) -> Columns | None:
        return self._columns if self._columns.inputs else None


class Model:
    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata


class OneAnswer(Scorer):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[bytes] = []

    def score(self, content_type: str, body: bytes) -> Answer:
        self.asked.append(body)
        return self._answer


GOOD = Answer(200, b'{"predictions": [1]}')
NUMBER = {"type": "double", "name": "x"}
SERVING = {"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json", "type": "x"}


def test_the_logged_serving_payload_is_sent_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "serving_input_example.json").write_bytes(b'{ "inputs":  [1] }')
    (tmp_path / "input_example.json").write_text("[2]")
    scorer = OneAnswer(GOOD)
    assert prove(Model(Metadata(NUMBER, example=SERVING)), scorer, tmp_path) == ""
    assert scorer.asked == [b'{ "inputs":  [1] }']


def test_without_a_serving_payload_the_input_example_is_sent(tmp_path: Path) -> None:
    (tmp_path / "input_example.json").write_text('{"columns": ["x"], "data": [[1.5]]}')
    described = {"artifact_path": "input_example.json", "type": "dataframe", "pandas_orient": "split"}
    payload = find_payload(Metadata(NUMBER, example=described), tmp_path)
    assert payload is not None
    assert not payload.made_up
    assert json.loads(payload.body) == {"dataframe_split": {"columns": ["x"], "data": [[1.5]]}}


def test_without_an_example_a_row_is_made_up(tmp_path: Path) -> None:
    payload = find_payload(Metadata(NUMBER), tmp_path)
    assert payload is not None
    assert payload.made_up
    assert json.loads(payload.body) == {"dataframe_split": {"columns": ["x"], "data": [[0.0]]}}


def test_with_neither_example_nor_signature_nothing_is_asked(tmp_path: Path) -> None:
    scorer = OneAnswer(GOOD)
    said = prove(Model(Metadata()), scorer, tmp_path)
    assert said == "not proved: the version has neither an input example nor a signature"
    assert scorer.asked == []


@pytest.mark.parametrize(
    ("example", "described", "payload"),
    [
        ([[1.0]], {"type": "ndarray"}, {"inputs": [[1.0]]}),
        ({"inputs": [[1.0]]}, {"type": "ndarray"}, {"inputs": [[1.0]]}),
        ({"a": [1], "b": [2]}, {"type": "ndarray"}, {"inputs": {"a": [1], "b": [2]}}),
        (["hello"], {"type": "json_object"}, {"inputs": ["hello"]}),
        ({"messages": []}, {"type": "json_object"}, {"messages": []}),
        (
            {"inputs": {"messages": []}, "params": {"n": 2}},
            {"type": "json_object", "params": "true"},
            {"messages": [], "n": 2},
        ),
        ({"data": [1]}, {"type": "sparse_matrix_csr"}, None),
    ],
)
def test_every_kind_of_example_becomes_the_payload_of_its_kind(
    example: Any, described: dict[str, Any], payload: dict[str, Any] | None
) -> None:
    assert payload_of_example(example, described) == payload


def test_a_model_that_refuses_its_own_example_is_not_proved(tmp_path: Path) -> None:
    (tmp_path / "serving_input_example.json").write_text("{}")
    refused = refusal(400, "BAD_REQUEST", "the model refused this input: ValueError: no", ValueError("no"))
    with pytest.raises(NotProved, match="its own input example: the model refused this input: ValueError: no"):
        prove(Model(Metadata(NUMBER, example=SERVING)), OneAnswer(refused), tmp_path)


def test_an_unknown_category_in_a_made_up_row_is_no_fault_of_the_model(tmp_path: Path) -> None:
    refused = refusal(400, "BAD_REQUEST", "the model refused this input: ValueError: unknown town", ValueError())
    said = prove(Model(Metadata(NUMBER)), OneAnswer(refused), tmp_path)
    assert said.startswith("not proved: the model refused this input: ValueError: unknown town")
    assert "log an input_example" in said


class NeverFitted(ValueError):
    pass


@pytest.mark.parametrize("cause", [AttributeError("x"), ImportError("x"), TypeError("x"), NeverFitted("x")])
def test_what_no_value_excuses_fails_on_a_made_up_row_too(tmp_path: Path, cause: Exception) -> None:
    with pytest.raises(NotProved, match="made up from its signature"):
        prove(Model(Metadata(NUMBER)), OneAnswer(refusal(400, "BAD_REQUEST", "no", cause)), tmp_path)


def test_a_server_error_fails_on_a_made_up_row(tmp_path: Path) -> None:
    with pytest.raises(NotProved):
        prove(Model(Metadata(NUMBER)), OneAnswer(refusal(500, "INTERNAL_ERROR", "no", ValueError())), tmp_path)


def test_the_platforms_request_id_does_not_reach_language_models() -> None:
    body = b'{"messages": [], "client_request_id": "7"}'
    assert json.loads(without_request_id("application/json; charset=utf-8", body)) == {"messages": []}


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": ["client_request_id"]}',
        b'{"inputs": [1], "client_request_id": "7"}',
        b'["client_request_id"]',
        b'{"client_request_id"',
    ],
)
def test_other_bodies_are_left_as_they_came(body: bytes) -> None:
    assert without_request_id("application/json", body) is body
