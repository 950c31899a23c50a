"""What a request is dealt out by: all requests of one unit are answered by the same model. Pure.

The unit is the value of a header, or of a field in the first row of the body; a request that has neither is a unit of
its own, by its id. Equal values are one unit however they are written: `7`, `7.0` and `"7"` are the same, in a header
as well as in a body.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

import msgspec

from pierhead.kit.decoding import Converter

_HEADER, _FIELD = "header:", "field:"

LARGEST_BODY_BYTES = 256 * 1024
"""A longer body is not read for its field: whoever sends so many rows at once has no one unit, and everybody would wait
for a millisecond."""

# What strict JSON refuses (NaN, half a surrogate pair) takes ten times as long to read.
_LENIENT_BYTES = 64 * 1024

# Lists in lists are looked into no deeper than this for a first value.
_DEEPEST = 8

_LONGEST_DIGITS = 40


class _Split(msgspec.Struct):
    columns: list[Any] = []
    data: list[msgspec.Raw] = []


class _Body(msgspec.Struct):
    """Values stay unread but for the part that the field is looked for in."""

    dataframe_split: _Split | None = None
    dataframe_records: list[msgspec.Raw] | None = None
    instances: list[msgspec.Raw] | None = None
    inputs: Any = None


class _ReadSplit(msgspec.Struct):
    columns: list[Any] = []
    data: list[Any] = []


class _ReadBody(msgspec.Struct):
    """The same of a body that was read as a whole."""

    dataframe_split: _ReadSplit | None = None
    dataframe_records: list[Any] | None = None
    instances: list[Any] | None = None
    inputs: Any = None


_strict = msgspec.json.Decoder(_Body)
_any = msgspec.json.Decoder()
_read_body = Converter(_ReadBody)


def in_headers(unit: str, headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    """The unit in a request's head, names in lower case; None if it is not there to be found.

    >>> in_headers("header:X-User", [(b"host", b"a"), (b"x-user", b"ada")])
    b'ada'
    >>> in_headers("field:user", [(b"x-user", b"ada")])
    """
    if not unit.startswith(_HEADER):
        return None
    name = unit[len(_HEADER) :].strip().lower().encode("utf-8", "replace")
    value = next((value for key, value in headers if key == name), b"").strip()
    return value or None


def in_body(unit: str, body: bytes) -> bytes | None:
    """The unit in a request's body; None if it is not there to be found.

    >>> in_body("field:card", b'{"dataframe_records": [{"card": 7.0}, {"card": 8}]}')
    b'7'
    >>> in_body("field:card", b'{"dataframe_split": {"columns": ["a", "card"], "data": [[1, "x"]]}}')
    b'x'
    >>> in_body("field:card", b'{"inputs": {"card": [[true]]}}')
    b'true'
    >>> in_body("field:card", b"a,card")
    """
    if not unit.startswith(_FIELD) or len(body) > LARGEST_BODY_BYTES:
        return None
    field = unit[len(_FIELD) :]
    try:
        return canonical(_first_value(field, _strict.decode(body)))
    except (ValueError, RecursionError):
        # msgspec.DecodeError is a ValueError.
        pass
    if len(body) > _LENIENT_BYTES:
        return None
    try:
        return canonical(_first_value(field, _read_body.convert(json.loads(body))))
    except (ValueError, RecursionError):
        return None


def canonical(value: object) -> bytes | None:
    """A JSON scalar as bytes that are the same for equal values; None for null, NaN, lists and objects.

    >>> canonical(7), canonical(7.0), canonical("7"), canonical(0.5), canonical(True)
    (b'7', b'7', b'7', b'0.5', b'true')
    """
    match value:
        case bool():
            return b"true" if value else b"false"
        case str():
            return value.strip().encode("utf-8", "replace") or None
        case int():
            return _of_int(value)
        case float() if math.isfinite(value):
            return _of_int(int(value)) if value.is_integer() else repr(value).encode()
    return None


def _of_int(value: int) -> bytes:
    # Decimal digits of a huge number take time that grows with their square.
    return b"%d" % value if value.bit_length() <= _LONGEST_DIGITS * 3 else b"%x" % value


def _first_value(field: str, body: _Body | _ReadBody) -> object:
    if body.dataframe_records is not None:
        return _in_row(field, body.dataframe_records)
    if body.dataframe_split is not None:
        split = body.dataframe_split
        at = split.columns.index(field) if field in split.columns else None
        row = _read(split.data[0]) if at is not None and split.data else None
        return row[at] if at is not None and isinstance(row, list) and at < len(row) else None
    if body.instances is not None:
        return _in_row(field, body.instances)
    if isinstance(body.inputs, list):
        return _in_row(field, body.inputs)
    return _first(body.inputs.get(field)) if isinstance(body.inputs, dict) else None


def _in_row(field: str, rows: Sequence[object]) -> object:
    row = _read(rows[0]) if rows else None
    return _first(row.get(field)) if isinstance(row, dict) else None


def _read(row: object) -> Any:
    return _any.decode(row) if isinstance(row, msgspec.Raw) else row


def _first(value: object) -> object:
    for _ in range(_DEEPEST):
        if not isinstance(value, list):
            break
        value = value[0] if value else None
    return value
