"""Requests that are sent to original and compiled alike, and how rows become their bodies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pierhead.compile.domain.program import Column

JSON = "application/json"

Row = tuple[Any, ...]
"""JSON values in the order of the columns; ABSENT where the row has no such column."""


class Absent:
    """The type of ABSENT."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()

SPLIT, RECORDS, INPUTS, INSTANCES = "dataframe_split", "dataframe_records", "inputs", "instances"
FORMS = (SPLIT, RECORDS, INPUTS, INSTANCES)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a row consists of. `is_tensor`: rows of numbers without names."""

    columns: tuple[Column, ...]
    is_tensor: bool = False

    @property
    def is_named(self) -> bool:
        return not self.is_tensor and all(column.name is not None for column in self.columns)

    @property
    def forms(self) -> tuple[str, ...]:
        """The request formats that can carry such rows."""
        if self.is_named:
            return FORMS
        return (INPUTS, INSTANCES) if self.is_tensor else (SPLIT,)


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `kind` as in `certificate.WorstRow`; `rows` is how many it holds, 0 if that is not known."""

    kind: str
    body: bytes
    rows: int
    content_type: str = JSON


def render(layout: Layout, rows: Sequence[Row], form: str, order: Sequence[int] | None = None) -> bytes:
    """The body with these rows; `order` shuffles named columns. A column that is ABSENT in one row is left out.

    >>> layout = Layout((Column("a", "double"), Column("b", "string")))
    >>> render(layout, [(1.5, None)], "dataframe_split", [1, 0])
    b'{"dataframe_split": {"columns": ["b", "a"], "data": [[null, 1.5]]}}'
    >>> render(layout, [(1.5, ABSENT)], "inputs")
    b'{"inputs": {"a": [1.5]}}'
    """
    if not layout.is_named:
        plain: Any = [list(row) for row in rows]
        return _dumps({form: {"data": plain} if form == SPLIT else plain})
    places = [
        place
        for place in (order if order is not None else range(len(layout.columns)))
        if not any(row[place] is ABSENT for row in rows)
    ]
    names = [layout.columns[place].name for place in places]
    if form == SPLIT:
        return _dumps({form: {"columns": names, "data": [[row[place] for place in places] for row in rows]}})
    if form == INPUTS:
        return _dumps({form: {layout.columns[place].name: [row[place] for row in rows] for place in places}})
    return _dumps({form: [dict(zip(names, (row[place] for place in places), strict=True)) for row in rows]})


def _dumps(fields: Any) -> bytes:
    # NaN and infinities as MLflow's own decoder takes them.
    return json.dumps(fields).encode()


def parse(layout: Layout, body: bytes) -> list[Row] | None:
    """The rows of a body in any of the four formats; None if it is something else. NaN becomes None, as in frames."""
    found = _find(body)
    if found is None:
        return None
    form, content = found
    try:
        rows = _rows(layout, form, content)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError):
        return None
    return None if rows is None else [tuple(None if value != value else value for value in row) for row in rows]


def _find(body: bytes) -> tuple[str, Any] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    return next(((form, fields[form]) for form in FORMS if form in fields), None)


def _rows(layout: Layout, form: str, content: Any) -> list[Row] | None:
    width = len(layout.columns)
    if not layout.is_named:
        lists = content["data"] if form == SPLIT else content
        rows = [tuple(row) if isinstance(row, list) else (row,) for row in lists]
        return rows if all(len(row) == width for row in rows) else None
    names = [column.name for column in layout.columns]
    if form == SPLIT:
        records = [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]
    elif isinstance(content, dict):
        lengths = {len(values) if isinstance(values, list) else 1 for values in content.values()}
        listed = {name: values if isinstance(values, list) else [values] for name, values in content.items()}
        records = [{name: listed[name][at] for name in listed} for at in range(max(lengths))]
    elif content and isinstance(content[0], list):
        records = [dict(zip(names, row, strict=True)) for row in content]
    else:
        records = content
    return [tuple(record.get(name, ABSENT) for name in names) for record in records]


def one_row(body: bytes, at: int) -> bytes:
    """The same request with its row number `at` alone, in the same format; the whole body if it cannot be told apart.

    >>> one_row(b'{"inputs": {"a": [1, 2], "b": [3, 4]}, "params": {}}', 1)
    b'{"inputs": {"a": [2], "b": [4]}, "params": {}}'
    """
    found = _find(body)
    if found is None:
        return body
    form, content = found
    fields = json.loads(body)
    try:
        if form == SPLIT:
            fields[form] = {key: content[key] for key in content if key != "index"}
            fields[form]["data"] = [content["data"][at]]
        elif isinstance(content, dict):
            fields[form] = {name: [values[at]] for name, values in content.items()}
        else:
            fields[form] = [content[at]]
    except (KeyError, IndexError, TypeError):
        return body
    return _dumps(fields)
