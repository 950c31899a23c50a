"""`w.grants`: Unity Catalog's permissions, in the older calls and in the newer ones that list assignments."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.api import grants_wire as wire
from pierhead.identity.ports import Objects
from pierhead.identity.services.grants import Assignment, Grants, Place
from pierhead.kit.web.routes import Call, Routes

_CATALOG = "/2.1/unity-catalog"
_OF = "/{securable_type}/{full_name}"


def add_routes(routes: Routes, objects: Objects) -> None:
    api = _Api(objects)
    routes.add("GET", f"{_CATALOG}/permissions{_OF}", api.list_on)
    routes.add("PATCH", f"{_CATALOG}/permissions{_OF}", api.change)
    routes.add("GET", f"{_CATALOG}/effective-permissions{_OF}", api.list_effective)
    routes.add("GET", f"{_CATALOG}/privilege-assignments{_OF}", api.list_on)
    routes.add("GET", f"{_CATALOG}/effective-privilege-assignments{_OF}", api.list_effective_assignments)


class _Api:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def list_on(self, call: Call, connection: Connection) -> dict[str, Any]:
        found = self._grants(call, connection).list_on(_place(call), call.find_text("principal"))
        return wire.assignments(*_page(call, found))

    def list_effective(self, call: Call, connection: Connection) -> dict[str, Any]:
        found = self._grants(call, connection).list_effective(_place(call), call.find_text("principal"))
        return wire.effective(*_page(call, found), "privilege_assignments")

    def list_effective_assignments(self, call: Call, connection: Connection) -> dict[str, Any]:
        found = self._grants(call, connection).list_effective(_place(call), call.find_text("principal"))
        return wire.effective(*_page(call, found), "effective_privilege_assignments")

    def change(self, call: Call, connection: Connection) -> dict[str, Any]:
        after = self._grants(call, connection).change(_place(call), wire.read_changes(call.params))
        return {} if call.params.get("omit_permissions_in_response") is True else wire.assignments(after)

    def _grants(self, call: Call, connection: Connection) -> Grants:
        return Grants(connection, self._objects, call.caller)


def _place(call: Call) -> Place:
    return wire.read_place(call.text("securable_type"), call.text("full_name"))


def _page(call: Call, found: Sequence[Assignment]) -> tuple[list[Assignment], str | None]:
    limit = call.number("max_results", call.number("page_size", 0))
    return wire.page(found, limit, call.find_text("page_token"))
