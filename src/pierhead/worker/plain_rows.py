"""Requests whose every value means the same to MLflow alone and beside others; standard library only."""

import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

Columns = Sequence[tuple[str, str]]
"""Name and MLflow type of each column, in the signature's order."""

Rows = list[tuple[Any, ...]]

_FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_BESIDE = {"client_request_id", "usage_context"}

PLAIN_TYPES: dict[str, set[type]] = {
    "double": {float, int, type(None)},
    "float": {float, int, type(None)},
    "long": {int},
    "integer": {int},
    "boolean": {bool},
    "string": {str},
}
"""By MLflow's type, the types of JSON values that need no second thought."""


def plain_content(body: bytes) -> tuple[str, Any] | None:
    """The format and the content of a body without anything unusual; None otherwise."""
    # Halves of surrogate pairs are no text to some of those who come after us.
    if b"\\ud" in body or b"\\uD" in body:
        return None
    try:
        fields = json.loads(body.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    beside = fields.keys() - _FORMATS
    if len(fields) - len(beside) != 1 or beside - _BESIDE:
        return None
    [key] = fields.keys() - beside
    return key, fields[key]


class RowReader:
    """Reads rows by the names of a signature's columns."""

    def __init__(self, columns: Columns) -> None:
        self._names = [name for name, _ in columns]
        self._kinds = [kind for _, kind in columns]
        # Of single values in records of `inputs`, MLflow makes columns that are too wide for these types.
        self._takes_input_records = not {"float", "integer"} & set(self._kinds)
        self._pick = _picker(self._names)

    def read(self, body: bytes) -> Rows | None:
        """Rows in the signature's order, at least one; None if MLflow may see something else in them."""
        found = plain_content(body)
        if found is None:
            return None
        key, content = found
        # NumPy, which MLflow uses for these formats, cuts NUL characters off the ends of strings.
        if key in ("instances", "inputs") and b"\\u0000" in body:
            return None
        try:
            rows = self._rows(key, content)
        except (KeyError, TypeError, AttributeError):
            return None
        return rows if rows and self.are_plain(rows) else None

    def are_plain(self, rows: Rows) -> bool:
        return all(
            set(map(type, values)) <= PLAIN_TYPES[kind]
            for kind, values in zip(self._kinds, zip(*rows, strict=True), strict=True)
        )

    def _rows(self, key: str, content: Any) -> Rows | None:
        if key == "dataframe_split":
            return self._split_rows(content)
        if key == "inputs" and isinstance(content, dict):
            return self._column_rows(content)
        if set(map(type, content)) != {dict} or (key == "inputs" and not self._takes_input_records):
            return None
        if key != "dataframe_records" and set(map(len, content)) != {len(self._names)}:
            return None
        return [self._pick(record) for record in content]

    def _split_rows(self, content: dict[str, Any]) -> Rows | None:
        names, rows, index = content["columns"], content["data"], content.get("index")
        if content.keys() - {"columns", "data", "index"} or not isinstance(rows, list):
            return None
        if index is not None and (len(index) != len(rows) or set(map(type, index)) != {int}):
            return None
        if set(map(type, rows)) != {list} or set(map(len, rows)) != {len(names)}:
            return None
        if names == self._names:
            return [tuple(row) for row in rows]
        places = {name: at for at, name in enumerate(names)}
        if len(places) != len(names) or set(map(type, names)) != {str}:
            return None
        pick = _picker([places[name] for name in self._names])
        return [pick(row) for row in rows]

    def _column_rows(self, content: dict[str, Any]) -> Rows | None:
        if len(content) != len(self._names):
            return None
        columns = self._pick(content)
        if set(map(type, columns)) != {list} or len(set(map(len, columns))) != 1:
            return None
        return list(zip(*columns, strict=True))


def _picker(keys: Sequence[Any]) -> Any:
    """Like itemgetter, and always a tuple."""
    if len(keys) == 1:
        only = keys[0]
        return lambda row: (row[only],)
    return itemgetter(*keys)
