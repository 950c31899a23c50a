"""What tracking's adapters need to be told."""

from typing import Protocol

from pierhead.identity.domain.objects import Action
from pierhead.kit.web.caller import Caller


class ReadRights(Protocol):
    """Who may read what the files of a new model version come from. Waits; made for threads."""

    def require_origin(self, caller: Caller, run_id: str | None, model_id: str | None) -> None:
        """Raises PermissionDenied if the caller may not read this run or this logged model; unknown ones pass."""

    def require_files(self, caller: Caller, action: Action, path: str) -> None:
        """Raises NotFound, PermissionDenied, or InvalidArgument where no experiment's files lie."""
