"""Three spellings of one place."""

import pytest

from pierhead.tracking.domain.locations import from_file_api, inside_path, to_databricks


@pytest.mark.parametrize(
    ("mlflow", "databricks", "inside"),
    [
        ("mlflow-artifacts:/1", "dbfs:/databricks/mlflow-tracking/1", "1"),
        ("mlflow-artifacts:/1/ab/artifacts", "dbfs:/databricks/mlflow-tracking/1/ab/artifacts", "1/ab/artifacts"),
        (
            "mlflow-artifacts:/1/models/m-1/artifacts",
            "dbfs:/databricks/mlflow-tracking/1/logged_models/m-1/artifacts",
            "1/models/m-1/artifacts",
        ),
    ],
)
def test_both_families_of_clients_name_the_same_files(mlflow: str, databricks: str, inside: str) -> None:
    assert to_databricks(mlflow) == databricks
    assert inside_path(mlflow) == inside_path(databricks) == inside


@pytest.mark.parametrize(
    "location", ["file:///etc", "/etc", "s3://bucket/x", "mlflow-artifacts://other-host/1", "dbfs:/mlruns/1", ""]
)
def test_other_places_are_not_ours(location: str) -> None:
    assert inside_path(location) is None


@pytest.mark.parametrize(
    "path", ["", "1", "1/Runs", "1/Runs/ab", "1/Runs/ab/other/x", "1/LoggedModels/m-1", "1/Else/a"]
)
def test_the_file_api_shows_artifacts_only(path: str) -> None:
    assert from_file_api(path) is None


def test_the_file_api_finds_artifacts_of_runs_and_models() -> None:
    assert from_file_api("1/Runs/ab/artifacts/a/b") == "1/ab/artifacts/a/b"
    assert from_file_api("1/LoggedModels/m-1/artifacts/MLmodel") == "1/models/m-1/artifacts/MLmodel"
    assert from_file_api("1/Runs/models/m-1/artifacts/MLmodel") == "1/models/m-1/artifacts/MLmodel"
