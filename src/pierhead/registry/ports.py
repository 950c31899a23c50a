"""What the registry needs from outside."""

from pathlib import Path
from typing import Protocol


class Sources(Protocol):
    """Finds the files that a new version is made from."""

    def locate(self, source: str, *, run_id: str | None, model_id: str | None) -> Path:
        """The local folder behind `source`.

        `source` is what clients send: `models:/m-ID`, `runs:/RUN/path`, `mlflow-artifacts:/...` or
        `dbfs:/databricks/mlflow-tracking/...`. Raises InvalidArgument if it names nothing here or leaves our tree.
        """
