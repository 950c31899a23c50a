"""Unity Catalog's grants on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from pierhead.identity.domain.privileges import Privilege, SecurableType
from pierhead.identity.services.grants import Assignment, Change, Held, Place
from pierhead.kit.errors import InvalidArgument

_TYPES = {type.value: type for type in SecurableType} | {
    # Unity Catalog governs models as functions.
    "FUNCTION": SecurableType.MODEL,
    "REGISTERED_MODEL": SecurableType.MODEL,
}
_WORDS = {SecurableType.MODEL: "FUNCTION"}

_PAGE = 1000


def read_place(word: str, full_name: str) -> Place:
    """Case of the type does not matter. Raises InvalidArgument."""
    type = _TYPES.get(word.upper().replace("-", "_").replace(" ", "_"))
    if type is None:
        raise InvalidArgument(f"securable type {word!r} is not known; there are {', '.join(_TYPES)}")
    return Place(type, full_name)


def read_changes(params: Mapping[str, Any]) -> list[Change]:
    """Raises InvalidArgument."""
    sent = params.get("changes") or []
    if not isinstance(sent, list) or not all(isinstance(one, dict) for one in sent):
        raise InvalidArgument("parameter 'changes' must be a list of objects with principal, add and remove")
    return [_change(one) for one in sent]


def _change(sent: Mapping[str, Any]) -> Change:
    principal = sent.get("principal")
    if not isinstance(principal, str) or not principal:
        raise InvalidArgument("each change needs a 'principal': the name of a user or group, or an application id")
    return Change(principal, _privileges(sent.get("add")), _privileges(sent.get("remove")))


def _privileges(sent: Any) -> frozenset[Privilege]:
    if not isinstance(sent or [], list):
        raise InvalidArgument(f"privileges to add or remove must be a list, not {sent!r}")
    return frozenset(_privilege(word) for word in sent or [])


def _privilege(word: Any) -> Privilege:
    try:
        # SQL writes `USE CATALOG`, the API `USE_CATALOG`.
        return Privilege(str(word).upper().replace(" ", "_"))
    except ValueError:
        known = ", ".join(privilege.value for privilege in Privilege)
        raise InvalidArgument(f"privilege {word!r} is not known; there are {known}") from None


def page(found: Sequence[Assignment], limit: int, token: str | None) -> tuple[list[Assignment], str | None]:
    """Those after the principal `token`, at most `limit` (0: as many as we like), and the next token."""
    if limit < 0:
        raise InvalidArgument(f"the size of a page must not be negative: {limit}")
    rest = [one for one in found if token is None or one.principal > token]
    shown = rest[: limit or _PAGE]
    return shown, shown[-1].principal if len(shown) < len(rest) else None


def assignments(found: Sequence[Assignment], next_token: str | None = None) -> dict[str, Any]:
    return _answer(
        "privilege_assignments",
        [{"principal": one.principal, "privileges": [held.privilege.value for held in one.held]} for one in found],
        next_token,
    )


def effective(found: Sequence[Assignment], next_token: str | None, key: str) -> dict[str, Any]:
    return _answer(
        key,
        [{"principal": one.principal, "privileges": [_held(held) for held in one.held]} for one in found],
        next_token,
    )


def _held(held: Held) -> dict[str, Any]:
    if held.inherited_from is None:
        return {"privilege": held.privilege.value}
    above = held.inherited_from
    return {
        "privilege": held.privilege.value,
        "inherited_from_type": _WORDS.get(above.type, above.type.value),
        "inherited_from_name": above.full_name,
    }


def _answer(key: str, rows: list[dict[str, Any]], next_token: str | None) -> dict[str, Any]:
    return {key: rows} | ({"next_page_token": next_token} if next_token else {})
