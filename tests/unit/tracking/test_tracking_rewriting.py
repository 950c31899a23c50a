"""What we change in the JSON between clients and MLflow's server."""

import json

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.tracking.domain.rewriting import LocationRewriter, experiment_of, run_of


def _rewritten(value: object) -> object:
    rewriter = LocationRewriter()
    return json.loads(rewriter.feed(json.dumps(value, indent=2).encode()) + rewriter.end())


def test_locations_change_and_nothing_else() -> None:
    told = {
        "runs": [{"info": {"artifact_uri": "mlflow-artifacts:/1/ab/artifacts", "run_name": "mlflow-artifacts:/1"}}],
        "experiment": {"artifact_location": "mlflow-artifacts:/1", "tags": [{"key": "artifact_uri", "value": "x"}]},
        "root_uri": "s3://elsewhere/1",
    }

    assert _rewritten(told) == {
        "runs": [
            {
                "info": {
                    "artifact_uri": "dbfs:/databricks/mlflow-tracking/1/ab/artifacts",
                    "run_name": "mlflow-artifacts:/1",
                }
            }
        ],
        "experiment": {
            "artifact_location": "dbfs:/databricks/mlflow-tracking/1",
            "tags": [{"key": "artifact_uri", "value": "x"}],
        },
        "root_uri": "s3://elsewhere/1",
    }


def test_a_location_quoted_inside_a_users_text_stays() -> None:
    told = {"value": json.dumps({"artifact_uri": "mlflow-artifacts:/1/ab/artifacts"})}

    assert _rewritten(told) == told


def test_a_very_long_text_is_not_held_back() -> None:
    rewriter = LocationRewriter()
    rewriter.feed(b'{"value": "')

    sent = sum(len(rewriter.feed(b"x" * 50_000)) for _ in range(10))

    assert sent > 400_000


def test_a_run_belongs_to_who_asked_for_it() -> None:
    body = {"user_id": "eve", "tags": [{"key": "mlflow.user", "value": "eve"}, {"key": "a", "value": "b"}]}

    assert run_of("ada", body) == {
        "user_id": "ada",
        "tags": [{"key": "a", "value": "b"}, {"key": "mlflow.user", "value": "ada"}],
    }


def test_a_run_with_tags_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        run_of("ada", {"tags": "mlflow.user"})


@pytest.mark.parametrize("location", [None, "", "dbfs:/databricks/mlflow-tracking/x", "mlflow-artifacts:/"])
def test_the_server_decides_where_artifacts_lie(location: str | None) -> None:
    assert experiment_of({"name": "a", "artifact_location": location}) == {"name": "a"}


@pytest.mark.parametrize("location", ["file:///etc", "s3://bucket", "dbfs:/mlruns", "/tmp", "mlflow-artifacts:/x", 7])
def test_an_experiment_elsewhere_is_refused(location: object) -> None:
    with pytest.raises(InvalidArgument, match="without artifact_location"):
        experiment_of({"name": "a", "artifact_location": location})
