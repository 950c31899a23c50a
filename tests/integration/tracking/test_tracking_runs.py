"""What MLflow's server tells of runs, and what our client writes into them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from integration.tracking.tracking_stack import USER, TrackingStack
from pierhead.kit.delta_versions import read_version
from pierhead.kit.errors import Unavailable
from pierhead.tracking.adapters.runs import TrackedRuns


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("delta") / "training"
    for number in range(2):
        write_deltalake(path, pa.table({"a": [number]}), mode="append")
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["http", "databricks"])
def told(request: pytest.FixtureRequest, stack: TrackingStack, table: Path) -> dict[str, Any]:
    printed = stack.run_client("log_delta_inputs.py", str(table), databricks=request.param)
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def runs(stack: TrackingStack) -> TrackedRuns:
    return TrackedRuns(stack.home.tracking_socket)


def test_two_lines_log_version_0_without_spark(told: dict[str, Any], runs: TrackedRuns, table: Path) -> None:
    run = runs.find(told["run"])
    manifest = read_version(table, 0).manifest_sha256

    assert run is not None
    (given,) = (each for each in run.inputs if each.context)
    assert (given.context, given.source_type, given.name) == ("training", "delta_table", "training")
    assert json.loads(given.source) == {"path": str(table), "delta_table_version": 0}
    assert given.tags["pierhead.manifest_sha256"] == told["manifest"] == manifest
    assert given.digest == told["digest"] == manifest[:32]
    assert (told["source"], told["spark"]) == ([str(table), 0], False)


def test_a_run_tells_who_made_it_and_what_it_measured(told: dict[str, Any], runs: TrackedRuns) -> None:
    run = runs.find(told["run"])

    assert run is not None
    assert (run.user, run.status, run.params) == (USER, "FINISHED", {"depth": "3"})
    assert run.started_at is not None
    assert run.ended_at is not None
    assert run.source_name is not None
    assert run.source_name.endswith("log_delta_inputs.py")
    # MLflow's server forgets the data set of a metric that belongs to no logged model.
    measured = {each.metric: (each.value, each.dataset) for each in run.metrics}
    assert (measured["auc"], measured["loss"]) == ((0.9, None), (0.1, None))


def test_a_logged_model_tells_its_run_and_what_it_was_measured_on(told: dict[str, Any], runs: TrackedRuns) -> None:
    model = runs.find_logged_model(told["model"])

    assert model is not None
    assert model.run_id == told["run"]
    assert [(each.metric, each.value, each.dataset, each.dataset_digest) for each in model.metrics] == [
        ("f1", 0.5, "holdout", told["holdout_digest"])
    ]


def test_mlflow_s_own_source_drops_version_0(told: dict[str, Any], runs: TrackedRuns) -> None:
    run = runs.find(told["stock"])

    assert run is not None
    assert "delta_table_version" not in json.loads(run.inputs[0].source)


def test_an_input_can_be_added_to_a_run_that_has_ended(told: dict[str, Any], runs: TrackedRuns) -> None:
    run = runs.find(told["later"])

    assert run is not None
    assert [(each.name, each.context) for each in run.inputs] == [("later", "train")]
    assert json.loads(run.inputs[0].source)["delta_table_version"] == 1


@pytest.mark.parametrize("run_id", ["0" * 32, "x", "a/b", "ä?&#", "../experiments/get"])
def test_a_run_that_does_not_exist_is_none(runs: TrackedRuns, run_id: str) -> None:
    assert runs.find(run_id) is None
    assert runs.find_logged_model(run_id) is None
    assert runs.find_logged_model("m-" + "0" * 32) is None


def test_a_server_that_is_not_there_is_no_missing_run(tmp_path: Path) -> None:
    runs = TrackedRuns(tmp_path / "no.sock")

    with pytest.raises(Unavailable):
        runs.find("r1")
    with pytest.raises(Unavailable):
        runs.find_logged_model("m-1")
