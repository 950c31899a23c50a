"""Tags that nobody writes by hand, because they would read as somebody's approval."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from pierhead.kit.errors import PermissionDenied

_RESERVED = ("pierhead.*",)


def refuse_reserved_tags(keys: Iterable[str], reserved: Iterable[str] = ()) -> None:
    """Raises PermissionDenied if one of `keys` is ours, or matches one of the patterns that policies reserve.

    >>> refuse_reserved_tags(["team", "pierheads"])
    """
    patterns = [pattern.lower() for pattern in (*_RESERVED, *reserved)]
    for key in keys:
        if any(fnmatchcase(key.strip().lower(), pattern) for pattern in patterns):
            raise PermissionDenied(
                f"tag '{key}' is reserved: an approval is given by `pierhead models approve` or "
                "w.model_registry.approve_transition_request, not by a tag"
            )
