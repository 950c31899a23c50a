"""What the official clients lack: `from pierhead.client import WorkspaceClient`."""

from pierhead.client.workspace import WorkspaceClient

__all__ = ["WorkspaceClient"]
