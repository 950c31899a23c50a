"""Artifacts belong to the experiment in whose folder they lie, whatever protocol they are reached by."""

import pytest

from integration.tracking.private_experiment import Experiment, files, make, send
from integration.tracking.tracking_stack import TrackingStack
from pierhead.kit.web.routes import MLFLOW_PREFIXES

FILES_API = "/api/2.0/fs/files/WorkspaceInternal/Mlflow/Artifacts"
DIRECTORIES = "/api/2.0/fs/directories/WorkspaceInternal/Mlflow/Artifacts"


@pytest.fixture(scope="module")
def secret(stack: TrackingStack) -> Experiment:
    return make(stack, "good")


@pytest.mark.parametrize("prefix", MLFLOW_PREFIXES)
def test_mlflows_protocol_gives_strangers_nothing(stack: TrackingStack, secret: Experiment, prefix: str) -> None:
    base = f"{prefix}/2.0/mlflow-artifacts"
    place = f"{base}/artifacts/{secret.id}/{secret.run}/artifacts"
    before = files(stack)

    for by in ("mallory", "eve"):
        assert stack.ask("GET", f"{place}/note.txt", by=by).status == 403
        assert stack.ask("PUT", f"{place}/note.txt", b"open", by=by).status == 403
        assert stack.ask("PUT", f"{place}/new.txt", b"open", by=by).status == 403
        assert stack.ask("DELETE", f"{place}/note.txt", by=by).status == 403
        assert stack.ask("DELETE", f"{base}/artifacts/{secret.id}", by=by).status == 403
        for path in (secret.id, f"{secret.id}/{secret.run}/artifacts", f"{secret.id}/models"):
            assert stack.ask("GET", f"{base}/artifacts?path={path}", by=by).status == 403
        for step in ("create", "complete", "abort"):
            body = {"path": "note.txt", "num_parts": 1, "upload_id": "ab" * 16, "parts": []}
            answer = send(stack, "POST", f"{base}/mpu/{step}/{secret.id}/{secret.run}/artifacts", body, by=by)
            assert answer.status in (400, 403, 404), answer.text
    assert files(stack) == before


def test_the_files_api_gives_strangers_nothing(stack: TrackingStack, secret: Experiment) -> None:
    runs, models = f"{secret.id}/Runs/{secret.run}/artifacts", f"{secret.id}/LoggedModels/{secret.model}/artifacts"
    before = files(stack)

    for by in ("mallory", "eve"):
        for place, file in ((runs, "note.txt"), (models, "MLmodel")):
            assert stack.ask("GET", f"{FILES_API}/{place}/{file}", by=by).status == 403
            assert stack.ask("HEAD", f"{FILES_API}/{place}/{file}", by=by).status == 403
            assert stack.ask("PUT", f"{FILES_API}/{place}/{file}?overwrite=true", b"open", by=by).status == 403
            assert stack.ask("DELETE", f"{FILES_API}/{place}/{file}", by=by).status == 403
            assert stack.ask("GET", f"{DIRECTORIES}/{place}", by=by).status == 403
            assert stack.ask("PUT", f"{DIRECTORIES}/{place}/new", by=by).status == 403
            path = f"/WorkspaceInternal/Mlflow/Artifacts/{place}/{file}"
            for way in ("create-download-url", "create-upload-url"):
                assert send(stack, "POST", f"/api/2.0/fs/{way}", {"path": path}, by=by).status == 403
    assert files(stack) == before


def test_who_may_read_reads_and_who_owns_writes(stack: TrackingStack, secret: Experiment) -> None:
    path = f"/api/2.0/mlflow-artifacts/artifacts/{secret.id}/{secret.run}/artifacts/more.txt"

    assert stack.ask("PUT", path, b"1", by="audrey").status == 403
    assert stack.ask("PUT", path, b"2", by="good").status == 200
    assert stack.ask("GET", path, by="audrey").body == b"2"
    assert stack.ask("GET", f"{FILES_API}/{secret.id}/Runs/{secret.run}/artifacts/more.txt", by="audrey").body == b"2"
    assert stack.ask("DELETE", path, by="audrey").status == 403
    assert stack.ask("DELETE", path, by="good").status == 200


def test_outside_of_experiments_there_is_nothing_to_reach(stack: TrackingStack, secret: Experiment) -> None:
    base = "/api/2.0/mlflow-artifacts/artifacts"

    for path in ("stray.txt", "stray/a.txt", f"0{secret.id}/a.txt", f" {secret.id}/a", f"%20{secret.id}/a", "123456/a"):
        for by in ("mallory", "good", "root"):
            quoted = path.replace(" ", "%20")
            assert stack.ask("PUT", f"{base}/{quoted}", b"x", by=by).status in (400, 404), path
    assert stack.ask("GET", base, by="mallory").status == 403
    assert stack.ask("GET", base, by="audrey").status == 200
    assert stack.ask("DELETE", f"{base}/", by="root").status in (400, 403, 404, 405)
