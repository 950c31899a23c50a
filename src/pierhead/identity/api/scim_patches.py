"""SCIM's partial changes (RFC 7644, 3.5.2), made on the resource as a client sees it."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pierhead.kit.errors import InvalidArgument

_PATH = re.compile(r"""(?:urn:[\w:.\-]*:)?(?P<name>\w+)(?:\[(?P<filter>[^\]]*)\])?(?P<rest>\.\w+)?""", re.IGNORECASE)
_FILTER = re.compile(
    r"""\s*(?P<key>value|display|type)\s+eq\s+(?:"(?P<text>[^"]*)"|'(?P<plain>[^']*)')\s*""", re.IGNORECASE
)

Item = dict[str, Any]
Resource = dict[str, Any]


def apply_operations(resource: Resource, operations: object, lists: frozenset[str], texts: frozenset[str]) -> Resource:
    """The resource after all operations.

    `lists` and `texts` are the names of its attributes with many values and with one. Raises InvalidArgument.
    """
    if not isinstance(operations, Sequence) or isinstance(operations, str) or not operations:
        raise InvalidArgument("'Operations' must be a list of at least one operation")
    changed = dict(resource)
    for operation in operations:
        if not isinstance(operation, Mapping):
            raise InvalidArgument("an operation is an object with 'op', and 'path' or 'value'")
        _apply(changed, operation, lists, texts)
    return changed


def items_of(value: object) -> list[Item]:
    """The values of an attribute with many, however a client writes them. Raises InvalidArgument."""
    if value is None:
        return []
    if isinstance(value, str):
        return [{"value": value}]
    if isinstance(value, Mapping):
        return [dict(value)]
    if isinstance(value, Sequence):
        return [item for one in value for item in items_of(one)]
    raise InvalidArgument(f"{value!r} is no list of objects with a 'value'")


def _apply(resource: Resource, operation: Mapping[str, Any], lists: frozenset[str], texts: frozenset[str]) -> None:
    op = str(operation.get("op", "")).lower()
    if op not in ("add", "remove", "replace"):
        raise InvalidArgument(f"an operation's 'op' is add, remove or replace, not {operation.get('op')!r}")
    path, value = operation.get("path"), operation.get("value")
    if path:
        _change(resource, op, _parse_path(path, lists, texts), value)
        return
    if op == "remove" or not isinstance(value, Mapping):
        raise InvalidArgument(f"{op} without a 'path' needs an object as 'value', and remove always needs a path")
    for name, part in value.items():
        # As when a resource is made, what is not kept here is passed over.
        if _spelt(name, lists | texts) is not None:
            _change(resource, op, _parse_path(name, lists, texts), part)


class _Path:
    def __init__(self, name: str, is_list: bool, picks: Callable[[Item], bool] | None) -> None:
        self.name = name
        self.is_list = is_list
        self.picks = picks


def _parse_path(text: object, lists: frozenset[str], texts: frozenset[str]) -> _Path:
    found = _PATH.fullmatch(text.strip()) if isinstance(text, str) else None
    name = None if found is None else _spelt(found["name"], lists | texts)
    if found is None or name is None or found["rest"]:
        raise InvalidArgument(f"path {text!r} is not one of {', '.join(sorted(lists | texts))}")
    if found["filter"] is None:
        return _Path(name, name in lists, None)
    condition = _FILTER.fullmatch(found["filter"])
    if condition is None or name not in lists:
        raise InvalidArgument(f'path {text!r} cannot be read; write for example members[value eq "ID"]')
    key, wanted = condition["key"].lower(), condition["text"] if condition["text"] is not None else condition["plain"]
    return _Path(name, True, lambda item: item.get(key) == wanted)


def _change(resource: Resource, op: str, path: _Path, value: object) -> None:
    if not path.is_list:
        resource[path.name] = None if op == "remove" else value
        return
    present = items_of(resource.get(path.name))
    given = items_of(value)
    if op == "remove":
        keep = _is_not_among(given) if path.picks is None and given else _is_not(path.picks)
        resource[path.name] = [item for item in present if keep(item)]
    elif op == "replace":
        kept = [] if path.picks is None else [item for item in present if not path.picks(item)]
        resource[path.name] = kept + given
    else:
        resource[path.name] = present + list(filter(_is_not_among(present), given))


def _is_not(picks: Callable[[Item], bool] | None) -> Callable[[Item], bool]:
    return lambda item: picks is not None and not picks(item)


def _is_not_among(items: Sequence[Item]) -> Callable[[Item], bool]:
    values = {item.get("value") for item in items}
    return lambda item: item.get("value") not in values


def _spelt(name: object, known: frozenset[str]) -> str | None:
    """The attribute as SCIM spells it: names are compared without regard to case."""
    return next((one for one in known if isinstance(name, str) and one.lower() == name.lower()), None)
