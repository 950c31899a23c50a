"""From what clients call a source to the files behind it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.http import request
from integration.tracking.private_experiment import make
from integration.tracking.tracking_app import CALLERS
from integration.tracking.tracking_stack import TOKEN, TrackingStack
from pierhead.kit.db import Database, sqlite_url
from pierhead.kit.errors import InvalidArgument, PermissionDenied, Unavailable
from pierhead.tracking.adapters.sources import TrackedSources
from pierhead.tracking.services.rights import ExperimentRights
from pierhead.tracking.services.whereabouts import Whereabouts

ADA, MALLORY, EVE = CALLERS["good"], CALLERS["mallory"], CALLERS["eve"]


def _post(stack: TrackingStack, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = request(stack.url, "POST", f"/api/2.0/mlflow/{path}", body, {"Authorization": f"Bearer {TOKEN}"})
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def _sources(stack: TrackingStack) -> TrackedSources:
    return TrackedSources(stack.home.artifacts, stack.home.tracking_socket, _rights(stack))


def _rights(stack: TrackingStack) -> ExperimentRights:
    return ExperimentRights(Database(sqlite_url(stack.home.database)), Whereabouts(stack.home.tracking_database))


@pytest.fixture(scope="module")
def sources(stack: TrackingStack) -> TrackedSources:
    return _sources(stack)


@pytest.fixture(scope="module")
def run_id(stack: TrackingStack) -> str:
    made: str = _post(stack, "runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]["run_id"]
    return made


@pytest.fixture(scope="module")
def model_id(stack: TrackingStack, run_id: str) -> str:
    wanted = {"experiment_id": "0", "name": "fraud", "source_run_id": run_id}
    made: str = _post(stack, "logged-models", wanted)["model"]["info"]["model_id"]
    return made


@pytest.fixture(scope="module")
def model_folder(stack: TrackingStack, model_id: str) -> Path:
    folder = stack.home.artifacts / "0" / "models" / model_id / "artifacts"
    (folder / "inner").mkdir(parents=True)
    (folder / "MLmodel").write_text("x")
    return folder


def test_every_name_of_a_logged_model_leads_to_its_folder(
    sources: TrackedSources, run_id: str, model_id: str, model_folder: Path
) -> None:
    for source in (
        f"models:/{model_id}",
        f"runs:/{run_id}/fraud",
        f"mlflow-artifacts:/0/models/{model_id}/artifacts",
        f"dbfs:/databricks/mlflow-tracking/0/logged_models/{model_id}/artifacts",
    ):
        assert sources.locate(source, run_id=run_id, model_id=model_id, by=ADA) == model_folder
    assert sources.locate(f"models:/{model_id}/inner", run_id=None, model_id=None, by=ADA) == model_folder / "inner"


def test_a_folder_of_a_run_comes_before_a_logged_model_of_its_name(
    stack: TrackingStack, sources: TrackedSources, run_id: str, model_folder: Path
) -> None:
    folder = stack.home.artifacts / "0" / run_id / "artifacts" / "older"
    folder.mkdir(parents=True)

    assert sources.locate(f"runs:/{run_id}/older", run_id=run_id, model_id=None, by=ADA) == folder


@pytest.mark.parametrize(
    "source",
    [
        "",
        "file:///etc",
        "/etc",
        "s3://bucket/model",
        "models:/main.fraud.classifier/1",
        "models:/m-00000000000000000000000000000000",
        "runs:/00000000000000000000000000000000/fraud",
        "runs:/",
        "mlflow-artifacts:/",
        "mlflow-artifacts:/0/none",
        "mlflow-artifacts:/../uploads",
        "mlflow-artifacts:/0/%2e%2e/%2e%2e/uploads",
        "mlflow-artifacts://other/0/models",
        "dbfs:/databricks/mlflow-tracking/../../uploads",
        "dbfs:/mlruns/0",
    ],
)
def test_what_is_not_here_is_refused(sources: TrackedSources, source: str) -> None:
    with pytest.raises(InvalidArgument):
        sources.locate(source, run_id=None, model_id=None, by=ADA)


def test_a_model_without_files_and_paths_out_of_one_are_refused(
    sources: TrackedSources, run_id: str, model_id: str, model_folder: Path
) -> None:
    for source in (
        f"models:/{model_id}/../../..",
        f"models:/{model_id}/MLmodel",
        f"runs:/{run_id}/none",
        f"runs:/{run_id}/it's",
        f"runs:/{run_id}",
    ):
        with pytest.raises(InvalidArgument):
            sources.locate(source, run_id=None, model_id=None, by=ADA)


def test_a_source_must_be_the_model_that_is_named_beside_it(
    sources: TrackedSources, model_id: str, model_folder: Path
) -> None:
    with pytest.raises(InvalidArgument, match="another logged model"):
        sources.locate(f"models:/{model_id}", run_id=None, model_id="m-" + "0" * 32, by=ADA)


def test_a_link_out_of_the_store_is_not_followed(stack: TrackingStack, sources: TrackedSources) -> None:
    folder = stack.home.artifacts / "0"
    folder.mkdir(exist_ok=True)
    (folder / "linked").symlink_to("/etc")

    with pytest.raises(InvalidArgument, match="leads out"):
        sources.locate("mlflow-artifacts:/0/linked", run_id=None, model_id=None, by=ADA)


def test_a_run_that_keeps_its_files_elsewhere_is_refused(stack: TrackingStack, sources: TrackedSources) -> None:
    run = _post(stack, "runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]["run_id"]
    with closing(sqlite3.connect(stack.home.tracking_database, timeout=10)) as database, database:
        database.execute("UPDATE runs SET artifact_uri = 'file:///etc' WHERE run_uuid = ?", (run,))

    with pytest.raises(InvalidArgument, match="outside this server"):
        sources.locate(f"runs:/{run}/x", run_id=run, model_id=None, by=ADA)


def test_a_server_that_is_not_there_is_not_an_unknown_source(stack: TrackingStack, tmp_path: Path) -> None:
    sources = TrackedSources(tmp_path, tmp_path / "no.sock", _rights(stack))

    with pytest.raises(Unavailable):
        sources.locate("models:/m-1", run_id=None, model_id=None, by=ADA)


def test_nobody_registers_what_they_may_not_read(stack: TrackingStack, sources: TrackedSources) -> None:
    secret = make(stack, "good")

    for source in (
        f"models:/{secret.model}",
        f"runs:/{secret.run}/{secret.word}",
        f"runs:/{secret.run}/note.txt",
        f"runs:/{secret.run}/none",
        f"mlflow-artifacts:/{secret.id}/models/{secret.model}/artifacts",
        f"mlflow-artifacts:/{secret.id}/none",
        f"dbfs:/databricks/mlflow-tracking/{secret.id}/logged_models/{secret.model}/artifacts",
    ):
        with pytest.raises(PermissionDenied):
            sources.locate(source, run_id=None, model_id=None, by=EVE)
    assert sources.locate(f"models:/{secret.model}", run_id=secret.run, model_id=secret.model, by=ADA).is_dir()


def test_nobody_claims_a_run_or_a_model_that_they_may_not_read(stack: TrackingStack, sources: TrackedSources) -> None:
    secret, own = make(stack, "good"), make(stack, "mallory")

    for run, model in ((secret.run, None), (None, secret.model)):
        with pytest.raises(PermissionDenied):
            sources.locate(f"runs:/{own.run}/{own.word}", run_id=run, model_id=model, by=MALLORY)
    assert sources.locate(f"runs:/{own.run}/{own.word}", run_id="of another server", model_id=None, by=MALLORY).is_dir()
