"""The Databricks SDK's `WorkspaceClient`, whose `serving_endpoints` also takes plain dicts."""

from typing import Any

from pierhead.client.dicts import accept_dicts

try:
    from databricks.sdk import WorkspaceClient as OfficialClient
except ImportError as error:
    raise ImportError("pierhead.client needs the Databricks SDK: pip install 'pierhead[client]'") from error


class WorkspaceClient(OfficialClient):  # type: ignore[misc]
    """As the official client, with dicts (and lists of dicts) wherever `serving_endpoints` wants dataclasses.

    Takes the same arguments and environment variables. A dict has the keys of the REST interface; a key that the
    SDK does not know raises ValueError, where the SDK would drop it silently.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        accept_dicts(self.serving_endpoints)
