"""Plain dicts where a method's type hints ask for dataclasses that have `from_dict`."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, get_args, get_type_hints

Convert = Callable[[Any], Any]


def accept_dicts(api: Any) -> None:
    """Wrap every public method of this object that takes such dataclasses; other arguments pass as they are."""
    for name, method in inspect.getmembers(api, inspect.ismethod):
        if name.startswith("_"):
            continue
        wanted = dataclass_parameters(method)
        if wanted:
            # On the object, so that methods which call their neighbours through `self` find the wrapped ones.
            setattr(api, name, _wrap(method, wanted))


def dataclass_parameters(method: Callable[..., Any]) -> dict[str, type]:
    """For each parameter hinted as X, Optional[X] or a list of X, where X has `from_dict`: X."""
    found = {}
    for name, hint in get_type_hints(method).items():
        kind = _dataclass_in(hint)
        if kind is not None and name != "return":
            found[name] = kind
    return found


def from_plain(kind: type, value: Any, where: str) -> Any:
    """A dict as a `kind`, a list item by item; everything else as it is. Raises ValueError for an unknown key."""
    if isinstance(value, list | tuple):
        return [from_plain(kind, item, f"{where}[{number}]") for number, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    plain = _plain(value)
    _refuse_unknown_keys(kind, plain, where)
    return kind.from_dict(plain)  # type: ignore[attr-defined]


def _wrap(method: Callable[..., Any], wanted: Mapping[str, type]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        bound = signature.bind(*arguments, **options)
        for name, kind in wanted.items():
            if name in bound.arguments:
                bound.arguments[name] = from_plain(kind, bound.arguments[name], name)
        return method(*bound.args, **bound.kwargs)

    return call


def _dataclass_in(hint: Any) -> type | None:
    """The X in X, Optional[X], List[X], Optional[List[X]] that can be made from a dict."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint if hasattr(hint, "from_dict") else None
    return next((kind for part in get_args(hint) if (kind := _dataclass_in(part)) is not None), None)


def _plain(value: Any) -> Any:
    """Dataclasses inside a dict as dicts: `from_dict` wants one or the other all the way down."""
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _refuse_unknown_keys(kind: type, value: Any, where: str) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_unknown_keys(kind, item, f"{where}[{number}]")
        return
    if not isinstance(value, Mapping):
        return
    hints = get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}; a {kind.__name__} has {', '.join(sorted(hints))}")
    for key, item in value.items():
        inner = _dataclass_in(hints[key])
        if inner is not None:
            _refuse_unknown_keys(inner, item, f"{where}.{key}")
