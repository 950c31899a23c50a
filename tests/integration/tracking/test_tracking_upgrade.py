"""A database of an older MLflow, with the real tool and the real server."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness.scripts import run_script
from integration.tracking.tracking_stack import TrackingStack

# The last revision of MLflow 2.22.
OLD_REVISION = "0584bdc529eb"


@pytest.mark.slow
def test_the_server_starts_on_the_database_of_an_older_release(tmp_path: Path) -> None:
    stack = TrackingStack(tmp_path)
    path = stack.home.tracking_database
    script = Path(__file__).parent / "make_old_database.py"
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    made = run_script(script, [str(path), OLD_REVISION], environment=environment, timeout_s=120)
    assert made.returncode == 0, made.stderr
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage)"
            " VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active'), (7, 'old', 'mlflow-artifacts:/7', 'active')"
        )
        connection.commit()

    with stack:
        stack.wait()
        # It has no owner, as nobody noted one then.
        found = stack.ask("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=old", by="audrey").json()

    assert found["experiment"]["experiment_id"] == "7"
    assert path.with_name("mlflow.db.before-upgrade").exists()
