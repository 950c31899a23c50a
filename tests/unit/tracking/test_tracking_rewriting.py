"""What we change in the answers of MLflow's server."""

import json

from pierhead.tracking.domain.rewriting import LocationRewriter


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
