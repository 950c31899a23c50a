"""SCIM's users and service principals: `/2.0/preview/scim/v2/{Users,ServicePrincipals}`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from pierhead.identity.api.guards import needs_admin
from pierhead.identity.api.scim_patches import apply_operations, items_of
from pierhead.identity.api.scim_queries import find_condition, page_of, shown_to
from pierhead.identity.api.scim_wire import (
    FIELDS,
    LISTS,
    RESOURCES,
    TEXTS,
    account_json,
    display_name_of,
    find_flag,
    find_line,
    list_json,
    refuse_roles,
    words_of,
)
from pierhead.identity.domain.accounts import Account, title_of
from pierhead.identity.domain.names import fold
from pierhead.identity.services.accounts import Identities
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import PrincipalKind
from pierhead.kit.web.render import json_response
from pierhead.kit.web.routes import Call, Routes

ROOT = "/2.0/preview/scim/v2"

_NAME_KEY = {PrincipalKind.USER: "userName", PrincipalKind.SERVICE_PRINCIPAL: "displayName"}
"""Where the wire has the name that never changes."""


class ScimAccounts:
    """Handlers for the accounts of one kind. Everybody reads; admins write."""

    def __init__(self, kind: PrincipalKind, clock: Clock) -> None:
        self._kind = kind
        self._clock = clock

    def add_routes(self, routes: Routes) -> None:
        path = f"{ROOT}/{RESOURCES[self._kind]}"
        routes.add("GET", path, self.list)
        routes.add("GET", f"{path}/{{id}}", self.get)
        routes.add("POST", path, self.create, guard=needs_admin)
        routes.add("PUT", f"{path}/{{id}}", self.replace, guard=needs_admin)
        routes.add("PATCH", f"{path}/{{id}}", self.patch, guard=needs_admin)
        routes.add("DELETE", f"{path}/{{id}}", self.delete, guard=needs_admin)

    def list(self, call: Call, connection: Connection) -> dict[str, Any]:
        identities = Identities(connection, self._clock)
        fields = FIELDS[self._kind]
        page = page_of(call, fields)
        found, total = identities.accounts.search(self._kind, find_condition(call, fields), page)
        ids = identities.groups.list_ids(frozenset[str]().union(*(account.groups for account in found)))
        return list_json([shown_to(call, account_json(account, ids)) for account in found], total, page.skip)

    def get(self, call: Call, connection: Connection) -> dict[str, Any]:
        identities = Identities(connection, self._clock)
        account = identities.accounts.get_by_id(call.text("id"), self._kind)
        return shown_to(call, _json(identities, account))

    def create(self, call: Call, connection: Connection) -> Any:
        identities = Identities(connection, self._clock)
        refuse_roles(call.params)
        name, is_active = call.text(_NAME_KEY[self._kind]), find_flag(call.params, "active") is not False
        groups = _group_names(identities, call.params)
        if self._kind is PrincipalKind.USER:
            account = identities.accounts.create_user(
                name,
                groups,
                display_name=display_name_of(call.params, name),
                external_id=find_line(call.params, "externalId"),
                entitlements=words_of(call.params),
                is_active=is_active,
            )
        else:
            account = identities.accounts.create_service_principal(
                name,
                call.find_text("owner") or call.caller.person,
                groups,
                application_id=call.find_text("applicationId"),
                external_id=find_line(call.params, "externalId"),
                entitlements=words_of(call.params),
                is_active=is_active,
            )
        return json_response(_json(identities, account), status=201)

    def replace(self, call: Call, connection: Connection) -> dict[str, Any]:
        identities = Identities(connection, self._clock)
        account = identities.accounts.get_by_id(call.text("id"), self._kind)
        return self._save(identities, account, call.params)

    def patch(self, call: Call, connection: Connection) -> dict[str, Any]:
        identities = Identities(connection, self._clock)
        account = identities.accounts.get_by_id(call.text("id"), self._kind)
        operations = call.params.get("Operations")
        wanted = apply_operations(_json(identities, account), operations, LISTS, TEXTS[self._kind])
        return self._save(identities, account, wanted)

    def delete(self, call: Call, connection: Connection) -> Any:
        accounts = Identities(connection, self._clock).accounts
        accounts.delete(accounts.get_by_id(call.text("id"), self._kind))
        return json_response({}, status=200)

    def _save(self, identities: Identities, account: Account, wire: Mapping[str, Any]) -> dict[str, Any]:
        """Make it what `wire` says; what it does not mention of name, activity, groups and owner stays as it is."""
        refuse_roles(wire)
        is_active = find_flag(wire, "active")
        is_user = self._kind is PrincipalKind.USER
        wanted = replace(
            account,
            name=_name(account, wire.get(_NAME_KEY[self._kind])),
            is_active=account.is_active if is_active is None else is_active,
            groups=_group_names(identities, wire) if "groups" in wire else account.groups,
            entitlements=words_of(wire),
            display_name=display_name_of(wire, account.name) if is_user else None,
            external_id=find_line(wire, "externalId"),
            owner=account.owner if is_user else find_line(wire, "owner") or account.owner,
            application_id=account.application_id if is_user else wire.get("applicationId") or account.application_id,
        )
        return _json(identities, identities.accounts.save(wanted))


def _json(identities: Identities, account: Account) -> dict[str, Any]:
    return account_json(account, identities.groups.list_ids(account.groups))


def _name(account: Account, given: object) -> str:
    """The name as it is spelt already, if only the case differs. Raises InvalidArgument."""
    if given is None:
        return account.name
    if not isinstance(given, str):
        raise InvalidArgument(f"the name of a {title_of(account.kind)} is a text, not {given!r}")
    return account.name if fold(given) == fold(account.name) else given


def _group_names(identities: Identities, wire: Mapping[str, Any]) -> frozenset[str]:
    """Groups are given by id. Raises InvalidArgument or NotFound."""
    ids = words_of({"groups": items_of(wire.get("groups"))}, "groups")
    return frozenset(identities.groups.get_by_id(group_id).name for group_id in ids)
