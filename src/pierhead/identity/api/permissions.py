"""`w.permissions`, and the same doors as `w.model_registry`, `w.serving_endpoints` and `w.experiments` know them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.api import permissions_wire as wire
from pierhead.identity.domain.levels import OBJECT_TYPES, ROOT
from pierhead.identity.domain.objects import Kind, kind_of
from pierhead.identity.ports import Objects
from pierhead.identity.services.permissions import Listed, Permissions, root_of
from pierhead.kit.db import Database
from pierhead.kit.errors import NotFound
from pierhead.kit.web.routes import Call, Routes

_PATH = "/2.0/permissions/{object_type}/{object_id}"

_Unit = Callable[[], AbstractContextManager[Connection]]


def add_routes(routes: Routes, database: Database, objects: Objects) -> None:
    api = _Api(database, objects)
    routes.add_plain("GET", _PATH, api.get)
    routes.add_plain("PUT", _PATH, api.replace)
    routes.add_plain("PATCH", _PATH, api.add)
    routes.add_plain("GET", _PATH + "/permissionLevels", api.levels)


class _Api:
    def __init__(self, database: Database, objects: Objects) -> None:
        self._database = database
        self._objects = objects

    def get(self, call: Call) -> dict[str, Any]:
        with self._asked(call, self._database.reading) as (permissions, listed):
            return wire.access_list(permissions.get(listed))

    def replace(self, call: Call) -> dict[str, Any]:
        asked = wire.read_asked(call.params)
        with self._asked(call, self._database.transaction) as (permissions, listed):
            return wire.access_list(permissions.replace(listed, asked))

    def add(self, call: Call) -> dict[str, Any]:
        asked = wire.read_asked(call.params)
        with self._asked(call, self._database.transaction) as (permissions, listed):
            return wire.access_list(permissions.add(listed, asked))

    def levels(self, call: Call) -> dict[str, Any]:
        with self._asked(call, self._database.reading) as (permissions, listed):
            permissions.get(listed)
        return wire.levels(kind_of(listed))

    @contextmanager
    def _asked(self, call: Call, unit: _Unit) -> Iterator[tuple[Permissions, Listed]]:
        """The object of a call, in a transaction. Raises InvalidArgument or NotFound."""
        kind, object_id = wire.read_kind(call.text("object_type")), call.text("object_id")
        listed: Listed | None = root_of(kind) if object_id == ROOT else None
        if listed is None and kind is Kind.EXPERIMENT:
            # Before the transaction: another process has to be asked.
            listed = self._objects.find_experiment(object_id)
        with unit() as connection:
            listed = listed or self._objects.find(connection, kind, object_id)
            if listed is None:
                raise NotFound(
                    f"there is no {kind.value} with the id {object_id!r}; "
                    f"this call wants the id, not the name, or {ROOT!r} for all {OBJECT_TYPES[kind]}"
                )
            yield Permissions(connection, call.caller), listed
