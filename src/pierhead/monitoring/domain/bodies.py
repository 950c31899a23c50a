"""Bodies of requests and answers, as rows: every input format of MLflow's scoring protocol, and its predictions."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

_FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")


class Unreadable(ValueError):
    """The body cannot be understood; the message is the code that goes into the table."""


class Rows(NamedTuple):
    """`names` of the columns, None where the body does not say; each row has one value for each of them."""

    names: tuple[str, ...] | None
    rows: Sequence[Sequence[Any]]


def read_json(body: bytes) -> Any:
    """JSON with the `NaN` that Python writes. Raises ValueError or RecursionError."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)


@lru_cache(maxsize=256)
def media_type(content_type: str) -> str:
    """A content type without its parameters, in small letters.

    >>> media_type("Text/CSV; charset=utf-8")
    'text/csv'
    """
    return content_type.partition(";")[0].strip().lower()


def rows_of_request(body: bytes, content_type: str) -> Rows:
    """What a model was asked. Raises Unreadable."""
    kind = media_type(content_type)
    if kind == "text/csv":
        return _csv_rows(body)
    if kind not in ("", "application/json"):
        raise Unreadable("REQUEST_FORMAT_UNKNOWN")
    try:
        content = read_json(body)
    except (ValueError, RecursionError):
        raise Unreadable("REQUEST_UNREADABLE") from None
    if not isinstance(content, dict):
        raise Unreadable("REQUEST_FORMAT_UNKNOWN")
    for name in _FORMATS:
        if name in content:
            return _rows(name, content[name])
    raise Unreadable("REQUEST_FORMAT_UNKNOWN")


def predictions_of(body: bytes) -> list[Any]:
    """What a model answered, an entry for each row. Raises Unreadable.

    >>> predictions_of(b'{"predictions": {"a": [1, 2], "b": [3, 4]}}')
    [{'a': 1, 'b': 3}, {'a': 2, 'b': 4}]
    """
    try:
        content = read_json(body)
    except (ValueError, RecursionError):
        raise Unreadable("RESPONSE_UNREADABLE") from None
    found = content.get("predictions") if isinstance(content, dict) else content
    if isinstance(found, list):
        return found
    if isinstance(found, dict) and _are_columns(found):
        return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    if found is None:
        raise Unreadable("RESPONSE_UNREADABLE")
    return [found]


def _are_columns(found: dict[str, Any]) -> bool:
    is_listed = all(isinstance(column, list) for column in found.values())
    return is_listed and len({len(column) for column in found.values()}) == 1


def _rows(name: str, content: Any) -> Rows:
    if name == "dataframe_split":
        return _split_rows(content)
    if isinstance(content, dict):
        return _column_rows(content)
    if not isinstance(content, list):
        return Rows(None, [[content]])
    if content and all(isinstance(record, dict) for record in content):
        return _record_rows(content)
    if all(isinstance(row, list) for row in content) and len({len(row) for row in content}) <= 1:
        return Rows(None, content)
    return Rows(None, [[row] for row in content])


def _split_rows(content: Any) -> Rows:
    names, rows = (content.get("columns"), content.get("data")) if isinstance(content, dict) else (None, None)
    if not isinstance(rows, list) or not isinstance(names, list | None):
        raise Unreadable("REQUEST_UNREADABLE")
    width = len(names) if names is not None else len(rows[0]) if rows and isinstance(rows[0], list) else 0
    if rows and (set(map(type, rows)) != {list} or set(map(len, rows)) != {width}):
        raise Unreadable("REQUEST_UNREADABLE")
    return Rows(None if names is None else tuple(map(str, names)), rows)


def _record_rows(records: list[dict[str, Any]]) -> Rows:
    names = tuple(records[0])
    if len(records) > 1 and any(record.keys() != records[0].keys() for record in records):
        names = tuple(dict.fromkeys(name for record in records for name in record))
    return Rows(names, [[record.get(name) for name in names] for record in records])


def _column_rows(columns: Mapping[str, Any]) -> Rows:
    lists = [column if isinstance(column, list) else [column] for column in columns.values()]
    if len({len(column) for column in lists}) > 1:
        raise Unreadable("REQUEST_UNREADABLE")
    return Rows(tuple(columns), list(zip(*lists, strict=True)))


def _csv_rows(body: bytes) -> Rows:
    """Cells are text, None where there is nothing: whoever knows their types converts them."""
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")) if line]
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable("REQUEST_UNREADABLE") from None
    if not lines or any(len(line) != len(lines[0]) for line in lines):
        raise Unreadable("REQUEST_UNREADABLE")
    return Rows(tuple(lines[0]), [[cell or None for cell in line] for line in lines[1:]])
