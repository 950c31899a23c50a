"""MLflow's server, and the files of runs, on a disk that is really full."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from harness.http import Answer
from harness.small_disk import small_disk
from integration.tracking.tracking_stack import TrackingStack

pytestmark = pytest.mark.slow

_MOST_CALLS = 2000


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingStack]:
    """A stack that ran well until its disk was full."""
    folder = tmp_path_factory.mktemp("disk") / "small"
    with small_disk(folder, megabytes=16) as disk, TrackingStack(disk.folder) as stack:
        stack.wait()
        assert _create(stack, {"name": "/before"}).status == 200
        disk.fill()
        yield stack


def _create(stack: TrackingStack, experiment: dict[str, Any]) -> Answer:
    body = json.dumps(experiment).encode()
    return stack.ask("POST", "/api/2.0/mlflow/experiments/create", body, {"Content-Type": "application/json"})


def test_mlflows_server_on_a_full_disk_is_not_told_as_something_to_try_again(full: TrackingStack) -> None:
    for number in range(_MOST_CALLS):
        # What MLflow's database has freed in its log of changes is used up first.
        answer = _create(full, {"name": f"/after-{number}", "tags": [{"key": "k", "value": "x" * 4000}]})
        if answer.status != 200:
            break

    assert (answer.status, answer.json()["error_code"]) == (507, "INVALID_STATE")
    assert "the disk that holds the database is full" in answer.json()["message"]


def test_a_file_of_a_run_is_refused_and_leaves_nothing(full: TrackingStack) -> None:
    answer = full.ask("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/model.bin", b"x" * 100_000)

    assert answer.status == 507
    assert "the disk that holds the platform's files is full" in answer.json()["message"]
    assert list(full.home.uploads.iterdir()) == []


@pytest.mark.parametrize("databricks", [False, True], ids=["http", "databricks"])
def test_the_official_client_hears_it_at_once_instead_of_trying_for_minutes(
    full: TrackingStack, databricks: bool
) -> None:
    answer = json.loads(full.run_client("write_on_full_disk.py", databricks=databricks).splitlines()[-1])

    assert "is full" in answer["told"]
    assert answer["took_s"] < 20
