"""How MLflow's own server is started as a child that nobody but us can reach.

The command and the underscored variables are private to MLflow: everything that we assume about them is here, and a
test starts the installed version to prove it. `mlflow server` takes the same settings by public flags, but needs twice
the time and memory to start.
"""

import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from pierhead.kit.home import Home

# What an operator has set for MLflow's and Databricks' clients is not meant for this server, and what opens other
# stores must not be at hand where callers have a say in what is read.
_NOT_INHERITED = ("PIERHEAD_", "MLFLOW_", "_MLFLOW_", "DATABRICKS_", "AWS_", "AZURE_", "GOOGLE_", "GCLOUD_", "BOTO_")

# Longer than our own end keeps an idle connection, so that the child never closes one that we are about to use.
_KEEP_ALIVE_S = 75

# For calls under way when the server is told to stop.
_GRACE_S = 10


def command(listen_fd: int) -> list[str]:
    """The arguments of one server process that accepts on `listen_fd`."""
    return [
        sys.executable,
        "-W",
        "ignore:starlette.middleware.wsgi is deprecated",
        "-m",
        "uvicorn",
        "mlflow.server.fastapi_app:app",
        "--fd",
        str(listen_fd),
        "--workers",
        "1",
        "--no-access-log",
        "--log-level",
        "warning",
        "--timeout-keep-alive",
        str(_KEEP_ALIVE_S),
        "--timeout-graceful-shutdown",
        str(_GRACE_S),
        "--no-server-header",
    ]


def environment(home: Home, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables of the server process."""
    database = f"sqlite:///{home.tracking_database.absolute()}"
    kept = {name: value for name, value in inherited.items() if not name.startswith(_NOT_INHERITED)}
    kept.pop("WEB_CONCURRENCY", None)
    return kept | {
        "_MLFLOW_SERVER_FILE_STORE": database,
        # Never asked: calls to the registry are answered by our own.
        "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(home.artifacts.absolute()),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_STATIC_PREFIX": "/mlflow",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        # The socket cannot be reached from a browser: we stand before it.
        "MLFLOW_SERVER_ALLOWED_HOSTS": "*",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "PYTHONUNBUFFERED": "1",
    }


def release() -> str:
    """The installed release of MLflow."""
    return metadata.version("mlflow")


def upgrade_database(path: Path, environment: Mapping[str, str]) -> None:
    """Bring the database to the form of the installed release; takes seconds at least. Raises CalledProcessError."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mlflow", "db", "upgrade", f"sqlite:///{path.absolute()}"],
        env=dict(environment),
        check=True,
    )
