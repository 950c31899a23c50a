"""What rows of a model look like: told by its signature, else by its input example."""

import json
from collections.abc import Sequence
from typing import Any

from pierhead.compile.domain.program import Column
from pierhead.compile.parity.cases import Layout

PLAIN_KINDS = ("double", "float", "long", "integer", "boolean", "string")


def layout_of_signature(inputs: Sequence[dict[str, Any]]) -> Layout | None:
    """`inputs` is the dictionary form of MLflow's schema; None if a row is no flat list of plain values.

    >>> layout_of_signature([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]).columns
    (Column(name=None, kind='float', required=True, vocabulary=()), Column(name=None, kind='float', required=True, \
vocabulary=()))
    """
    if len(inputs) == 1 and inputs[0]["type"] == "tensor":
        return _tensor(inputs[0])
    if not inputs or any(item["type"] not in PLAIN_KINDS for item in inputs):
        return None
    named = [item.get("name") for item in inputs]
    columns = (
        Column(name, item["type"], bool(item.get("required", True))) for name, item in zip(named, inputs, strict=True)
    )
    return Layout(tuple(columns))


def _tensor(item: dict[str, Any]) -> Layout | None:
    spec = item["tensor-spec"]
    shape, dtype = spec["shape"], spec["dtype"]
    kinds = {"float64": "double", "float32": "float", "int64": "long", "int32": "integer", "bool": "boolean"}
    if item.get("name") or len(shape) != 2 or shape[1] < 1 or dtype not in kinds:
        return None
    return Layout((Column(None, kinds[dtype]),) * shape[1], is_tensor=True)


def layout_of_example(body: bytes) -> Layout | None:
    """For versions without a signature: the columns of a data frame example, by what its values look like.

    >>> [column.kind for column in layout_of_example(
    ...     b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, "x"], [2.5, null]]}}').columns]
    ['double', 'string']
    """
    try:
        frame = json.loads(body)["dataframe_split"]
        names, rows = frame["columns"], frame["data"]
    except (ValueError, KeyError, TypeError):
        return None
    if not rows or not all(isinstance(name, str) for name in names):
        return None
    kinds = [_kind([row[place] for row in rows]) for place in range(len(names))]
    if None in kinds:
        return None
    return Layout(tuple(Column(name, str(kind)) for name, kind in zip(names, kinds, strict=True)))


def _kind(values: Sequence[Any]) -> str | None:
    seen = {type(value) for value in values if value is not None}
    if seen <= {bool} and seen:
        return "boolean"
    if seen <= {int} and seen:
        return "long"
    if seen <= {int, float}:
        return "double"
    return "string" if seen == {str} else None
