"""Fields of a request, found and written again under one name.

MLflow's server takes each field in two spellings, `run_id` and `runId`, and of two it takes one, not always the same.
What we look at goes on rebuilt, so that what was checked is what is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pierhead.kit.errors import InvalidArgument

Visit = Callable[[str], str | None]
"""A text -> what stands in its place; None leaves it out of its list."""


@dataclass(frozen=True, slots=True)
class Step:
    """One name on the way to a field; `is_list` where each item of a list is meant."""

    name: str
    is_list: bool = False


Way = tuple[Step, ...]


def way(text: str) -> Way:
    """Read a way as it is written in tables: names with dots between them, `[]` behind those of lists.

    >>> way("metrics[].model_id")
    (Step(name='metrics', is_list=True), Step(name='model_id', is_list=False))
    """
    return tuple(Step(name.removesuffix("[]"), name.endswith("[]")) for name in text.split("."))


def rewrite(fields: Mapping[str, Any], steps: Way, visit: Visit) -> dict[str, Any] | None:
    """The fields with every text at the end of `steps` as `visit` gives it; None if that leaves out the whole.

    Missing, null and empty fields are left out. An item of a list from which `visit` takes its text goes as a whole.
    Raises InvalidArgument if a field comes in two spellings, or is not the text, object or list that it should be.

    >>> rewrite({"metrics": [{"modelId": "m-1"}]}, way("metrics[].model_id"), str.upper)
    {'metrics': [{'model_id': 'M-1'}]}
    """
    step, rest = steps[0], steps[1:]
    named = in_one_spelling(fields, step.name)
    value = named.get(step.name)
    if value is None or value == "":
        named.pop(step.name, None)
        return named
    if step.is_list:
        if not isinstance(value, list):
            raise InvalidArgument(f"parameter '{step.name}' must be a list, not {type(value).__name__}")
        items = (_inner(item, step.name, rest, visit) for item in value)
        return {**named, step.name: [item for item in items if item is not None]}
    inner = _inner(value, step.name, rest, visit)
    return None if inner is None else {**named, step.name: inner}


def _inner(value: Any, name: str, rest: Way, visit: Visit) -> Any:
    if not rest:
        if not isinstance(value, str):
            raise InvalidArgument(f"parameter '{name}' must be a string, not {type(value).__name__}")
        return visit(value)
    if not isinstance(value, dict):
        raise InvalidArgument(f"parameter '{name}' must be an object, not {type(value).__name__}")
    return rewrite(value, rest, visit)


def with_default(fields: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    """The fields, with `value` where nothing, null or an empty text stands under `name`."""
    named = in_one_spelling(fields, name)
    return named if named.get(name) not in (None, "") else {**named, name: value}


def in_one_spelling(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fields with the field `name` under that name alone. Raises InvalidArgument if both spellings are there."""
    first, *rest = name.split("_")
    other = first + "".join(word.title() for word in rest)
    if other == name:
        return dict(fields)
    if name in fields and other in fields:
        raise InvalidArgument(f"the request holds both {name!r} and {other!r}; send one of them")
    return {name if key == other else key: value for key, value in fields.items()}


def merged(fields: Mapping[str, Any], name: str, older: str) -> dict[str, Any]:
    """The fields with `name` alone where clients send an `older` name too, or instead.

    Raises InvalidArgument if the two differ.

    >>> merged({"run_id": "ab", "run_uuid": "ab"}, "run_id", "run_uuid")
    {'run_id': 'ab'}
    """
    named = in_one_spelling(in_one_spelling(fields, name), older)
    second = named.pop(older, None)
    if second is None or second == "":
        return named
    if named.get(name) in (None, ""):
        return {**named, name: second}
    if named[name] != second:
        raise InvalidArgument(f"{name!r} and {older!r} of the request differ; send one of them")
    return named
