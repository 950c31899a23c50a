"""SCIM's groups: `/2.0/preview/scim/v2/Groups`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.api.guards import needs_admin
from pierhead.identity.api.scim import ROOT
from pierhead.identity.api.scim_patches import apply_operations, items_of
from pierhead.identity.api.scim_queries import find_condition, page_of, shown_to, wants
from pierhead.identity.api.scim_wire import (
    GROUP_FIELDS,
    GROUP_LISTS,
    GROUP_TEXTS,
    find_line,
    group_json,
    list_json,
    refuse_roles,
    words_of,
)
from pierhead.identity.domain.accounts import Group
from pierhead.identity.domain.names import fold
from pierhead.identity.services.groups import Groups
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import Call, Routes


class ScimGroups:
    """Everybody reads; admins write."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add_routes(self, routes: Routes) -> None:
        path = f"{ROOT}/Groups"
        routes.add("GET", path, self.list)
        routes.add("GET", f"{path}/{{id}}", self.get)
        routes.add("POST", path, self.create, guard=needs_admin)
        routes.add("PUT", f"{path}/{{id}}", self.replace, guard=needs_admin)
        routes.add("PATCH", f"{path}/{{id}}", self.patch, guard=needs_admin)
        routes.add("DELETE", f"{path}/{{id}}", self.delete, guard=needs_admin)

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        groups = Groups(connection, self._clock)
        page = page_of(call, GROUP_FIELDS)
        found, total = groups.search(find_condition(call, GROUP_FIELDS), page)
        members = groups.members_of_all(found) if wants(call, "members") else {}
        shown = [group_json(group, members.get(group.name)) for group in found]
        return list_json([shown_to(call, group) for group in shown], total, page.skip)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        groups = Groups(connection, self._clock)
        return shown_to(call, _json(groups, groups.get_by_id(call.text("id"))))

    def create(self, call: Call, connection: Connection) -> Any:
        groups = Groups(connection, self._clock)
        _refuse_nesting(call.params)
        group = groups.create(
            call.text("displayName"),
            entitlements=words_of(call.params),
            external_id=find_line(call.params, "externalId"),
            member_ids=words_of(call.params, "members"),
        )
        return json_response(_json(groups, group), status=201)

    def replace(self, call: Call, connection: Connection) -> dict[str, Any]:
        groups = Groups(connection, self._clock)
        return _save(groups, groups.get_by_id(call.text("id")), call.params)

    def patch(self, call: Call, connection: Connection) -> dict[str, Any]:
        groups = Groups(connection, self._clock)
        group = groups.get_by_id(call.text("id"))
        wanted = apply_operations(_json(groups, group), call.params.get("Operations"), GROUP_LISTS, GROUP_TEXTS)
        return _save(groups, group, wanted)

    def delete(self, call: Call, connection: Connection) -> Any:
        groups = Groups(connection, self._clock)
        groups.delete(groups.get_by_id(call.text("id")))
        return json_response({}, status=200)


def _save(groups: Groups, group: Group, wire: Mapping[str, Any]) -> dict[str, Any]:
    """Make it what `wire` says; members and entitlements that it does not mention go."""
    _refuse_nesting(wire)
    name = find_line(wire, "displayName") or group.name
    wanted = replace(
        group,
        name=group.name if fold(name) == fold(group.name) else name,
        external_id=find_line(wire, "externalId"),
        entitlements=words_of(wire),
    )
    return _json(groups, groups.save(wanted, words_of(wire, "members")))


def _json(groups: Groups, group: Group) -> dict[str, Any]:
    return group_json(group, groups.list_members(group))


def _refuse_nesting(wire: Mapping[str, Any]) -> None:
    refuse_roles(wire)
    if items_of(wire.get("groups")):
        raise InvalidArgument("a group cannot be in other groups: give its members to them")
