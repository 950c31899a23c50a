"""Databricks' permissions on the wire."""

from collections.abc import Mapping
from typing import Any

from pierhead.identity.domain.grantees import GranteeType
from pierhead.identity.domain.levels import LADDERS, OBJECT_TYPES, ROOT, Level
from pierhead.identity.domain.objects import Kind
from pierhead.identity.services.permissions import AccessList, Asked, Holder
from pierhead.kit.errors import InvalidArgument

_KINDS = {word: kind for kind, word in OBJECT_TYPES.items()}

_TYPES = {
    Kind.MODEL: "registered-model",
    Kind.ENDPOINT: "serving-endpoint",
    Kind.EXPERIMENT: "mlflowExperiment",
}

_NAMES = {
    "user_name": GranteeType.USER,
    "group_name": GranteeType.GROUP,
    "service_principal_name": GranteeType.SERVICE_PRINCIPAL,
}


def read_kind(word: str) -> Kind:
    """Raises InvalidArgument."""
    kind = _KINDS.get(word)
    if kind is None:
        raise InvalidArgument(f"{word!r} have no permissions here; there are {', '.join(_KINDS)}")
    return kind


def read_asked(params: Mapping[str, Any]) -> list[Asked]:
    """The `access_control_list` of a request; a missing one is empty. Raises InvalidArgument."""
    sent = params.get("access_control_list") or []
    if not isinstance(sent, list):
        raise InvalidArgument("parameter 'access_control_list' must be a list")
    return [_asked(one) for one in sent]


def _asked(sent: Any) -> Asked:
    names = [(key, sent[key]) for key in _NAMES if sent.get(key)] if isinstance(sent, dict) else []
    if len(names) != 1:
        raise InvalidArgument(f"each entry of access_control_list needs exactly one of {', '.join(_NAMES)}: {sent!r}")
    ((key, name),) = names
    try:
        return Asked(_NAMES[key], str(name), Level(sent.get("permission_level")))
    except ValueError:
        raise InvalidArgument(
            f"permission_level of {name!r} must be one of {', '.join(level.value for level in Level)}, "
            f"not {sent.get('permission_level')!r}"
        ) from None


def access_list(found: AccessList) -> dict[str, Any]:
    word = OBJECT_TYPES[found.kind]
    return {
        "object_id": f"/{word}/{found.object_id}",
        "object_type": _TYPES[found.kind],
        "access_control_list": [_holder(holder, f"/{word}/{ROOT}") for holder in found.holders],
    }


def _holder(holder: Holder, root: str) -> dict[str, Any]:
    own = [{"permission_level": holder.own.value, "inherited": False}] if holder.own else []
    inherited = [
        {"permission_level": level.value, "inherited": True, "inherited_from_object": [root]}
        for level in holder.inherited
    ]
    return {**_name(holder), "all_permissions": [*own, *inherited]}


def _name(holder: Holder) -> dict[str, Any]:
    account = holder.account
    if account is None:
        return {"group_name": holder.grantee.id, "display_name": holder.grantee.id}
    shown = account.display_name or account.name
    if account.application_id is not None:
        return {"service_principal_name": account.application_id, "display_name": shown}
    return {"user_name": account.name, "display_name": shown}


def levels(kind: Kind) -> dict[str, Any]:
    return {
        "permission_levels": [
            {"permission_level": rung.level.value, "description": rung.description} for rung in LADDERS[kind]
        ]
    }
