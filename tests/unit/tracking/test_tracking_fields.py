"""Fields in either spelling, found once and written under one name."""

from typing import Any

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.tracking.domain.claims import Named, parse_claims, read_call, without
from pierhead.tracking.domain.experiments import experiment_id, experiment_of_path
from pierhead.tracking.domain.fields import merged, rewrite, way


def _read(claims: str, fields: dict[str, Any], *stars: str) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    named, rebuilt = read_call(parse_claims(claims), stars, fields)
    return [(each.thing.value, each.id) for each in named], rebuilt


def test_either_spelling_ends_under_one_name_at_any_depth() -> None:
    body = {"traceInfo": {"traceLocation": {"mlflowExperiment": {"experimentId": "7"}, "type": "X"}}, "other": 1}

    rebuilt = rewrite(body, way("trace_info.trace_location.mlflow_experiment.experiment_id"), lambda text: text + "!")

    assert rebuilt == {
        "trace_info": {"trace_location": {"mlflow_experiment": {"experiment_id": "7!"}, "type": "X"}},
        "other": 1,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": [{"model_id": "a", "modelId": "b"}]},
        {"metrics": {"model_id": "a"}},
        {"metrics": "a"},
        {"metrics": ["a"]},
        {"metrics": [None]},
        {"metrics": [{"model_id": 7}]},
        {"metrics": [{"model_id": ["a"]}]},
        {"metrics": [{"model_id": True}]},
    ],
)
def test_what_is_not_of_the_shape_that_it_should_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        rewrite(fields, way("metrics[].model_id"), str)


@pytest.mark.parametrize("fields", [{}, {"metrics": None}, {"metrics": []}, {"metrics": [{}, {"modelId": ""}]}])
def test_what_is_missing_names_nothing(fields: dict[str, Any]) -> None:
    assert _read("write model metrics[].model_id?", fields)[0] == []


def test_two_names_of_one_run_must_agree() -> None:
    for fields in ({"run_id": "a"}, {"run_uuid": "a"}, {"runUuid": "a", "run_id": "a"}, {"run_id": "", "runUuid": "a"}):
        assert _read("read run run_id", fields) == ([("run", "a")], {"run_id": "a"})
    for fields in ({"run_id": "a", "run_uuid": "b"}, {"runId": "a", "run_id": "a"}, {"run_id": ["a"], "run_uuid": "a"}):
        with pytest.raises(InvalidArgument):
            merged(fields, "run_id", "run_uuid")


def test_an_experiment_has_one_id_however_it_is_written() -> None:
    assert _read("read experiment experiment_ids[]", {"experimentIds": ["07", "7", "000"]}) == (
        [("experiment", "7"), ("experiment", "0")],
        {"experiment_ids": ["7", "7", "0"]},
    )
    for text in ("", " 7", "7 ", "+7", "-7", "7.0", "7_0", "٧", "７", "7\n", "1" * 19):
        with pytest.raises(InvalidArgument):
            experiment_id(text)


def test_a_default_is_written_down() -> None:
    for fields in ({}, {"experiment_id": None}, {"experimentId": ""}):
        assert _read("write experiment experiment_id=0", fields) == ([("experiment", "0")], {"experiment_id": "0"})


def test_the_address_wins_and_the_body_must_say_the_same() -> None:
    assert _read("write model *1=model_id", {"status": 1}, "m-1") == (
        [("model", "m-1")],
        {"model_id": "m-1", "status": 1},
    )
    assert _read("write model *1=model_id", {"modelId": "m-1"}, "m-1")[1] == {"model_id": "m-1"}
    with pytest.raises(InvalidArgument, match="the address says 'm-1'"):
        _read("write model *1=model_id", {"modelId": "m-2"}, "m-1")


def test_what_must_be_named_is_missed() -> None:
    for claims in ("read run run_id", "write experiment experiment_ids[]+"):
        with pytest.raises(InvalidArgument, match="missing value for required parameter"):
            _read(claims, {"experiment_ids": []})


def test_what_names_something_comes_first() -> None:
    _, rebuilt = _read("write run run_id; write model models[].model_id~", {"a": 1, "models": [], "runId": "r"})

    assert list(rebuilt) == ["run_id", "models", "a"]


def test_what_does_not_exist_is_left_out_of_searches() -> None:
    claims = parse_claims("read experiment locations[].mlflow_experiment.experiment_id+")
    body = {"locations": [{"mlflowExperiment": {"experimentId": id}} for id in ("7", "8", "07")], "filter": "x"}
    named, fields = read_call(claims, (), body)

    def gone(*ids: str) -> frozenset[Named]:
        return frozenset(each for each in named if each.id in ids)

    left = {"mlflow_experiment": {"experiment_id": "8"}}
    assert without(claims, fields, gone("7")) == {"locations": [left], "filter": "x"}
    assert without(claims, fields, gone("7", "8")) is None


@pytest.mark.parametrize(
    ("path", "id"), [("7/ab/artifacts/a", "7"), ("0", "0"), ("", None), ("07/a", None), ("x/7", None), ("٧/a", None)]
)
def test_the_first_folder_of_a_path_is_the_experiment(path: str, id: str | None) -> None:
    assert experiment_of_path(path) == id
