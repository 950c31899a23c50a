"""Where the artifacts of runs and logged models lie, in the three spellings that clients and we use.

Inside:      EXPERIMENT/RUN/artifacts/...            EXPERIMENT/models/MODEL/artifacts/...
MLflow:      mlflow-artifacts:/ + the same
Databricks:  dbfs:/databricks/mlflow-tracking/EXPERIMENT/RUN/artifacts/...   and .../EXPERIMENT/logged_models/MODEL/...
File API:    EXPERIMENT/Runs/RUN/artifacts/...       EXPERIMENT/LoggedModels/MODEL/artifacts/...
"""

from urllib.parse import unquote

MLFLOW_ROOT = "mlflow-artifacts:/"
DATABRICKS_ROOT = "dbfs:/databricks/mlflow-tracking/"

# MLflow keeps logged models beside runs, in a folder of this name that no run can have.
_MODELS = "models"
_ARTIFACTS = "artifacts"


def to_databricks(location: str) -> str:
    """An MLflow location as Databricks clients need it; any other text as it is.

    >>> to_databricks("mlflow-artifacts:/1/ab12/artifacts")
    'dbfs:/databricks/mlflow-tracking/1/ab12/artifacts'
    >>> to_databricks("mlflow-artifacts:/1/models/m-ab12/artifacts")
    'dbfs:/databricks/mlflow-tracking/1/logged_models/m-ab12/artifacts'
    """
    if not location.startswith(MLFLOW_ROOT):
        return location
    parts = location.removeprefix(MLFLOW_ROOT).lstrip("/").split("/")
    if len(parts) > 1 and parts[1] == _MODELS:
        parts[1] = "logged_models"
    return DATABRICKS_ROOT + "/".join(parts)


def inside_path(location: str) -> str | None:
    """The path inside our tree, or None if `location` is not in it. Not checked yet: see `relative_path`.

    >>> inside_path("dbfs:/databricks/mlflow-tracking/1/logged_models/m-ab12/artifacts")
    '1/models/m-ab12/artifacts'
    >>> inside_path("file:///etc")
    """
    if location.startswith(DATABRICKS_ROOT):
        parts = location.removeprefix(DATABRICKS_ROOT).split("/")
        if len(parts) > 1 and parts[1] == "logged_models":
            parts[1] = _MODELS
        return unquote("/".join(parts))
    # Two slashes would begin the name of another server.
    if location.startswith(MLFLOW_ROOT) and not location.startswith(MLFLOW_ROOT + "/"):
        return unquote(location.removeprefix(MLFLOW_ROOT))
    return None


def from_file_api(path: str) -> str | None:
    """A path below `/WorkspaceInternal/Mlflow/Artifacts/` as a path inside; None where no artifacts can be.

    >>> from_file_api("1/Runs/ab12/artifacts/model.pkl")
    '1/ab12/artifacts/model.pkl'
    >>> from_file_api("1/LoggedModels/m-ab12/artifacts")
    '1/models/m-ab12/artifacts'

    Clients that take a logged model for a run called `models` mean the same:

    >>> from_file_api("1/Runs/models/m-ab12/artifacts")
    '1/models/m-ab12/artifacts'
    """
    match path.split("/"):
        case [experiment, "Runs", "models", model, "artifacts", *rest]:
            return "/".join((experiment, _MODELS, model, _ARTIFACTS, *rest))
        case [experiment, "LoggedModels", model, "artifacts", *rest]:
            return "/".join((experiment, _MODELS, model, _ARTIFACTS, *rest))
        case [experiment, "Runs", run, "artifacts", *rest]:
            return "/".join((experiment, run, _ARTIFACTS, *rest))
    return None
