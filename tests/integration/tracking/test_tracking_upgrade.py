"""A database of an older MLflow, with the real tool and the real server."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from integration.tracking.tracking_stack import TrackingStack

# The last revision of MLflow 2.22.
OLD_REVISION = "0584bdc529eb"


@pytest.mark.slow
def test_the_server_starts_on_the_database_of_an_older_release(tmp_path: Path) -> None:
    stack = TrackingStack(tmp_path)
    path = stack.home.tracking_database
    script = Path(__file__).parent / "make_old_database.py"
    subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(path), OLD_REVISION],
        check=True,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
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
