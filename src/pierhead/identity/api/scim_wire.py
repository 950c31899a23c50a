"""SCIM's words: what a user, a service principal or a group looks like to a client, and how it is read from one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pierhead.identity.api.scim_patches import items_of
from pierhead.identity.domain.accounts import Account, Group
from pierhead.identity.domain.queries import Field
from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import PrincipalKind

_CORE = "urn:ietf:params:scim:schemas:core:2.0"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

RESOURCES = {PrincipalKind.USER: "Users", PrincipalKind.SERVICE_PRINCIPAL: "ServicePrincipals"}
"""The last part of the path of each kind."""

_SCHEMAS = {PrincipalKind.USER: f"{_CORE}:User", PrincipalKind.SERVICE_PRINCIPAL: f"{_CORE}:ServicePrincipal"}

LISTS = frozenset({"groups", "entitlements", "roles", "emails"})
TEXTS = {
    PrincipalKind.USER: frozenset({"userName", "displayName", "externalId", "active", "name"}),
    PrincipalKind.SERVICE_PRINCIPAL: frozenset({"displayName", "applicationId", "externalId", "active", "owner"}),
}
GROUP_LISTS = frozenset({"members", "entitlements", "roles", "groups"})
GROUP_TEXTS = frozenset({"displayName", "externalId"})

_COMMON_FIELDS = {"id": Field.ID, "externalId": Field.EXTERNAL_ID}
_ACCOUNT_FIELDS = _COMMON_FIELDS | {
    "active": Field.IS_ACTIVE,
    "groups": Field.GROUP_ID,
    "groups.value": Field.GROUP_ID,
    "groups.display": Field.GROUP_NAME,
}
FIELDS = {
    PrincipalKind.USER: {
        "userName": Field.NAME,
        "displayName": Field.DISPLAY_NAME,
        "emails": Field.NAME,
        "emails.value": Field.NAME,
    }
    | _ACCOUNT_FIELDS,
    PrincipalKind.SERVICE_PRINCIPAL: {"displayName": Field.NAME, "applicationId": Field.APPLICATION_ID}
    | _ACCOUNT_FIELDS,
}
GROUP_FIELDS = {
    "displayName": Field.NAME,
    "members": Field.MEMBER_ID,
    "members.value": Field.MEMBER_ID,
} | _COMMON_FIELDS


def account_json(account: Account, group_ids: Mapping[str, str]) -> dict[str, Any]:
    """`group_ids`: name -> id of at least its groups."""
    shown: dict[str, Any] = {
        "schemas": [_SCHEMAS[account.kind]],
        "id": account.id,
        "active": account.is_active,
        "displayName": account.display_name or account.name,
        "groups": [
            {"display": name, "value": group_ids[name], "type": "direct", "$ref": f"Groups/{group_ids[name]}"}
            for name in sorted(account.groups)
        ],
        "entitlements": _values(account.entitlements),
    }
    if account.external_id is not None:
        shown["externalId"] = account.external_id
    if account.kind is PrincipalKind.SERVICE_PRINCIPAL:
        return shown | {"applicationId": account.application_id, "owner": account.owner}
    shown["userName"] = account.name
    if "@" in account.name:
        shown["emails"] = [{"type": "work", "value": account.name, "primary": True}]
    return shown


def me_json(account: Account, group_ids: Mapping[str, str]) -> dict[str, Any]:
    """As a user, whoever asks: `Me` has no other shape. A service principal is called by its name."""
    return account_json(account, group_ids) | {"schemas": [_SCHEMAS[PrincipalKind.USER]], "userName": account.name}


def group_json(group: Group, members: Sequence[Account] | None) -> dict[str, Any]:
    """`members` None leaves them out."""
    shown: dict[str, Any] = {
        "schemas": [f"{_CORE}:Group"],
        "id": group.id,
        "displayName": group.name,
        "entitlements": _values(group.entitlements),
        "meta": {"resourceType": "WorkspaceGroup"},
    }
    if group.external_id is not None:
        shown["externalId"] = group.external_id
    if members is not None:
        shown["members"] = [
            {"display": account.name, "value": account.id, "$ref": f"{RESOURCES[account.kind]}/{account.id}"}
            for account in members
        ]
    return shown


def list_json(resources: Sequence[dict[str, Any]], total: int, skipped: int) -> dict[str, Any]:
    return {
        "schemas": [_LIST],
        "totalResults": total,
        "startIndex": skipped + 1,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def words_of(params: Mapping[str, Any], key: str = "entitlements") -> frozenset[str]:
    """The values of an attribute with many. Raises InvalidArgument."""
    return frozenset(_text_of(item, key) for item in items_of(params.get(key)))


def find_flag(params: Mapping[str, Any], key: str) -> bool | None:
    """Some directories write booleans as text. Raises InvalidArgument."""
    value = params.get(key)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise InvalidArgument(f"'{key}' must be true or false, not {value!r}")


def find_line(params: Mapping[str, Any], key: str) -> str | None:
    """A text of one line, None if it is missing or empty. Raises InvalidArgument."""
    value = params.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 255 or not value.isprintable():
        raise InvalidArgument(f"'{key}' must be one line of at most 255 characters")
    return value


def display_name_of(params: Mapping[str, Any], name: str) -> str | None:
    """How a user wants to be called, None if by the user name."""
    parts = params.get("name")
    full = ""
    if isinstance(parts, Mapping):
        full = " ".join(str(parts[key]) for key in ("givenName", "familyName") if parts.get(key))
    shown = find_line(params, "displayName")
    # Our own answer names the user name where there is no other: that is not a wish.
    if shown is None or shown == name:
        shown = find_line({"name": full}, "name")
    return None if shown == name else shown


def refuse_roles(params: Mapping[str, Any]) -> None:
    """Raises InvalidArgument."""
    if items_of(params.get("roles")):
        raise InvalidArgument("'roles' are instance profiles of Databricks' clouds; here rights are given to groups")


def select_attributes(resource: dict[str, Any], only: Iterable[str], without: Iterable[str]) -> dict[str, Any]:
    """The resource with the attributes asked for, in lower case; id and schemas are always there."""
    wanted, unwanted = set(only), set(without)
    return {
        key: value
        for key, value in resource.items()
        if key in ("id", "schemas") or ((not wanted or key.lower() in wanted) and key.lower() not in unwanted)
    }


def _values(words: Iterable[str]) -> list[dict[str, str]]:
    return [{"value": word} for word in sorted(words)]


def _text_of(item: Mapping[str, Any], key: str) -> str:
    value = item.get("value")
    if not isinstance(value, str) or not value:
        raise InvalidArgument(f"each of '{key}' must have a text as 'value', not {value!r}")
    return value
