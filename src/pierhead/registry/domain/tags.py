"""Tags that nobody writes by hand, because they would read as somebody's approval."""

from collections.abc import Iterable

from pierhead.kit.errors import PermissionDenied

_RESERVED = "pierhead."


def refuse_reserved_tags(keys: Iterable[str]) -> None:
    """Raises PermissionDenied if one of `keys` is ours.

    >>> refuse_reserved_tags(["team", "pierheads"])
    """
    for key in keys:
        if key.strip().lower().startswith(_RESERVED):
            raise PermissionDenied(
                f"tag '{key}' is reserved: an approval is given by `pierhead models approve` or "
                "w.model_registry.approve_transition_request, not by a tag"
            )
