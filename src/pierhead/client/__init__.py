"""What the official clients lack: `from pierhead.client import WorkspaceClient, log_delta_input`."""

from typing import TYPE_CHECKING, Any

from pierhead.client.delta import delta_dataset, log_delta_input

if TYPE_CHECKING:
    from pierhead.client.workspace import WorkspaceClient

__all__ = ["WorkspaceClient", "delta_dataset", "log_delta_input"]


def __getattr__(name: str) -> Any:
    # Only on demand: who logs data sets with MLflow needs no Databricks SDK.
    if name == "WorkspaceClient":
        from pierhead.client.workspace import WorkspaceClient

        return WorkspaceClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
