"""MLflow's and Databricks' own clients against our doors."""

import json
import uuid

import pytest

from integration.tracking.tracking_stack import USER, TrackingStack

LARGE_MB = 120
ALLOWED_GROWTH_BYTES = 64 * 1024 * 1024


@pytest.mark.slow
@pytest.mark.parametrize("databricks", [False, True], ids=["http", "databricks"])
def test_a_data_scientists_day(stack: TrackingStack, databricks: bool) -> None:
    told = json.loads(stack.run_client("track_everything.py", databricks=databricks).splitlines()[-1])
    root = "dbfs:/databricks/mlflow-tracking" if databricks else "mlflow-artifacts:"
    experiment, run, model = told["experiment_id"], told["run_id"], told["model_id"]

    assert told["experiment_location"] == f"{root}/{experiment}"
    assert told["artifact_uri"] == f"{root}/{experiment}/{run}/artifacts"
    folder = "logged_models" if databricks else "models"
    assert told["model_uri"] == f"{root}/{experiment}/{folder}/{model}/artifacts"
    assert (told["status"], told["model_status"]) == ("FINISHED", "READY")
    assert told["user"] == told["user_tag"] == USER
    assert told["params"] == {"depth": "3", "rate": "0.1", "kind": "tree"}
    assert told["metrics"] == {"auc": 0.93, "loss": 0.2}
    assert told["history"] == [0.91, 0.93]
    assert told["root"] == ["config.json", "notes", "tree"]
    assert told["nothing"] == []
    assert told["notes"] == [["notes/a b.txt", 5]]
    assert told["text"] == "hello"
    assert told["tree"] == ["deep/x.txt", "empty.txt"]
    assert told["predictions"] == [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert told["runs"] == [run]
    assert told["models"] == [model]
    assert len(told["experiments"]) == 1
    assert (stack.home.artifacts / experiment / "models" / model / "artifacts" / "MLmodel").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("databricks", "settings", "in_parts"),
    [
        (False, {}, False),
        (
            False,
            {"MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true", "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": "9"},
            True,
        ),
        (True, {}, True),
    ],
    ids=["http", "http-in-parts", "databricks"],
)
def test_a_large_file_passes_in_little_memory(
    stack: TrackingStack, databricks: bool, settings: dict[str, str], in_parts: bool
) -> None:
    sessions = _sessions(stack)
    before = stack.forget_peak()

    told = stack.run_client("large_file.py", str(LARGE_MB), databricks=databricks, settings=settings)

    assert "same" in told
    assert stack.peak_rss_bytes() - before < ALLOWED_GROWTH_BYTES
    assert _sessions(stack) - sessions == (1 if in_parts else 0)
    assert not list(stack.home.uploads.glob("body-*"))


def _sessions(stack: TrackingStack) -> int:
    return len(list(stack.home.uploads.glob("session-*")))


@pytest.mark.slow
def test_the_sdk_moves_files_in_every_way_it_knows(stack: TrackingStack) -> None:
    root = f"/WorkspaceInternal/Mlflow/Artifacts/1/Runs/{uuid.uuid4().hex}/artifacts"

    assert stack.run_client("files_of_sdk.py", root, databricks=True).strip() == "ok"


@pytest.mark.slow
def test_a_trace_is_kept(stack: TrackingStack) -> None:
    assert "OK [('ask', {'answer': 2})]" in stack.run_client("trace.py", databricks=False)
