"""Who may read and fill the files of versions: the guard of the trees in `tree.py`."""

from sqlalchemy import Connection

from pierhead.catalog.services.mounts import Operation
from pierhead.identity.domain.objects import Action, Kind
from pierhead.identity.services.access import Access
from pierhead.kit.db import Database
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.addresses import find_model_id
from pierhead.registry.domain.models import Pending, RegisteredModel
from pierhead.registry.services.rights import target_of
from pierhead.registry.services.tree import Layout, find_number
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore


class FileRights:
    """Reading takes READ on the model. Filling a PENDING version takes ADD_VERSION, or having begun it.

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
            if operation == "write" and self._began(connection, caller, model, parts):
                return
            action = Action.READ if operation == "read" else Action.ADD_VERSION
            Access(connection, caller).require(action, target_of(model))

    def _began(self, connection: Connection, caller: Caller, model: RegisteredModel, parts: list[str]) -> bool:
        """Whether the path lies in a version that is still being filled, by this caller."""
        number = find_number(parts[self._layout.depth]) if len(parts) > self._layout.depth else None
        version = None if number is None else VersionStore(connection).find(model.name, number)
        return version is not None and version.state == Pending() and version.user_name == caller.user_name


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
