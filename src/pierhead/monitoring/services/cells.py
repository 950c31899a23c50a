"""Values out of JSON or CSV as columns of one type: in one step if they fit, else cell by cell."""

import contextlib
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa

from pierhead.monitoring.domain.signatures import Kind

ARROW = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int32(),
    Kind.LONG: pa.int64(),
    Kind.FLOAT: pa.float32(),
    Kind.DOUBLE: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Kind.JSON: pa.string(),
}

_PLAIN: dict[Kind, set[type]] = {
    Kind.BOOLEAN: {bool, type(None)},
    Kind.INTEGER: {int, type(None)},
    Kind.LONG: {int, type(None)},
    Kind.FLOAT: {float, int, type(None)},
    Kind.DOUBLE: {float, int, type(None)},
    Kind.STRING: {str, type(None)},
}


def column(kind: Kind, values: Sequence[Any]) -> tuple[pa.Array, list[int]]:
    """The values as an array of `ARROW[kind]`, and the places of those that are null because they do not fit."""
    if set(map(type, values)) <= _PLAIN.get(kind, set()):
        # A number too large, or a text with half a surrogate pair, is told from the others below.
        with contextlib.suppress(pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            return pa.array(values, ARROW[kind]), []
    convert, unfit = _CELLS[kind], []
    cells: list[Any] = []
    for at, value in enumerate(values):
        cell = None
        if value is not None:
            with contextlib.suppress(ValueError, TypeError, OverflowError, KeyError):
                cell = convert(value)
            if cell is None:
                unfit.append(at)
        cells.append(cell)
    return pa.array(cells, ARROW[kind]), unfit


def kind_of(values: Sequence[Any]) -> Kind:
    """The kind of values that nobody has described. Every number is a double: the next one may have a fraction."""
    types = set(map(type, values)) - {type(None)}
    if types <= {int, float}:
        return Kind.DOUBLE
    if types == {bool}:
        return Kind.BOOLEAN
    return Kind.STRING if types == {str} else Kind.JSON


def text_of(value: Any) -> str:
    """A value as text: itself if it is one, else its JSON."""
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text.encode("utf-8", "replace").decode()


def _double(value: Any) -> float:
    if isinstance(value, list | dict):
        raise TypeError
    return float(value)


def _float(value: Any) -> float:
    number = _double(value)
    if math.isfinite(number) and abs(number) > _LARGEST_FLOAT:
        raise OverflowError
    return number


def _whole(bits: int) -> Callable[[Any], int]:
    limit = 2 ** (bits - 1)

    def convert(value: Any) -> int:
        number = int(value) if not isinstance(value, float) or value.is_integer() else limit
        if not -limit <= number < limit:
            raise OverflowError
        return number

    return convert


def _boolean(value: Any) -> bool:
    """
    >>> _boolean("True"), _boolean(0)
    (True, False)
    """
    return {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise TypeError
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_LARGEST_FLOAT = 3.4028234663852886e38

_CELLS: dict[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _whole(32),
    Kind.LONG: _whole(64),
    Kind.FLOAT: _float,
    Kind.DOUBLE: _double,
    Kind.STRING: text_of,
    Kind.TIMESTAMP: _moment,
    Kind.JSON: text_of,
}
