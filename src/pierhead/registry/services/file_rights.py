"""Who may read and fill the files of versions: the guard of the trees in `tree.py`."""

from sqlalchemy import Connection

from pierhead.catalog.services.mounts import Operation
from pierhead.identity.domain.objects import Action, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.db import Database
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.addresses import find_model_id
from pierhead.registry.domain.models import ModelVersion, Pending, RegisteredModel
from pierhead.registry.services.rights import target_of
from pierhead.registry.services.tree import Layout, find_number
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore


class FileRights:
    """Reading takes READ on the model. A PENDING version is filled by who began it and by nobody else, whatever their
    rights: who made its files is its creator, and does not approve it.

    What does not exist is left to the tree, which says so.
    """

    def __init__(self, database: Database, layout: Layout) -> None:
        self._database = database
        self._layout = layout

    def check(self, caller: Caller, operation: Operation, path: str) -> None:
        """Raises PermissionDenied."""
        parts = path.split("/") if path else []
        with self._database.reading() as connection:
            if len(parts) < self._layout.depth:
                _require_all_names(connection, caller, path)
                return
            model = _find(connection, parts[: self._layout.depth])
            if model is None:
                return
            pending = self._find_pending(connection, model, parts) if operation == "write" else None
            if pending is not None and pending.user_name == caller.user_name:
                return
            action = Action.READ if operation == "read" else Action.ADD_VERSION
            Access(connection, caller).require(action, target_of(model))
            if pending is not None:
                raise PermissionDenied(
                    f"version {pending.number} of model '{model.name}' is being filled by {pending.user_name}, who "
                    f"began it, and not by {caller.user_name}; register a version of your own"
                )

    def _find_pending(self, connection: Connection, model: RegisteredModel, parts: list[str]) -> ModelVersion | None:
        """The version that the path lies in, if it is still being filled."""
        number = find_number(parts[self._layout.depth]) if len(parts) > self._layout.depth else None
        version = None if number is None else VersionStore(connection).find(model.name, number)
        return version if version is not None and version.state == Pending() else None


def _find(connection: Connection, parts: list[str]) -> RegisteredModel | None:
    models = ModelStore(connection)
    model_id = find_model_id(parts[0])
    return models.find(".".join(parts)) if model_id is None else models.find_by_id(model_id)


def _require_all_names(connection: Connection, caller: Caller, path: str) -> None:
    """Above the models there are only names, of all of them."""
    if not Access(connection, caller).readable(Kind.MODEL).everything:
        raise PermissionDenied(
            f"{caller.user_name} may not list models under {path!r}, as not all of them may be read; name the model"
        )
