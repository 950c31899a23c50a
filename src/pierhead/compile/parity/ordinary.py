"""Realistic rows around those that are known: columns resampled independently, numbers spread over their range."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from pierhead.compile.domain.program import Column
from pierhead.compile.parity.cases import ABSENT, Layout, Row

_RESAMPLED_SHARE = 0.5
_LARGEST_WHOLE = {"integer": 2**31 - 1, "long": 2**53}


class Pools:
    """For every column the values that are known: of the rows at hand, of vocabularies, of thresholds."""

    def __init__(self, layout: Layout, rows: Sequence[Row], extra: Sequence[Sequence[Any]] | None = None) -> None:
        """`extra` are further values for each column."""
        self._columns = layout.columns
        self._values: list[list[Any]] = []
        self._words: list[list[str]] = []
        for place, column in enumerate(layout.columns):
            found = [row[place] for row in rows if row[place] is not ABSENT]
            found += [*column.vocabulary, *(extra[place] if extra else ())]
            self._values.append(found or [None])
            self._words.append([value for value in found if isinstance(value, str)] or ["", "a", "b"])
        self._ranges = [_range(values) for values in self._values]

    def row(self, draw: random.Random) -> Row:
        return tuple(self._value(place, column, draw) for place, column in enumerate(self._columns))

    def range_of(self, place: int) -> tuple[float, float]:
        """A little beyond the known numbers of a column."""
        return self._ranges[place]

    def _value(self, place: int, column: Column, draw: random.Random) -> Any:
        known = draw.choice(self._values[place])
        if column.kind == "boolean":
            return known if isinstance(known, bool) else draw.random() < 0.5
        if column.kind == "string":
            return known if isinstance(known, str) else draw.choice(self._words[place])
        # Elsewhere a missing value makes MLflow refuse all rows of a request.
        if known is None and column.kind in ("double", "float") and len(self._values[place]) > 1:
            return None
        if draw.random() < _RESAMPLED_SHARE and _is_number(known):
            return known
        low, high = self._ranges[place]
        return _number(column.kind, draw.uniform(low, high))


def _number(kind: str, value: float) -> Any:
    if kind in _LARGEST_WHOLE:
        most = _LARGEST_WHOLE[kind]
        return round(min(max(value, -most), most))
    return float(np.float32(min(max(value, -3e38), 3e38))) if kind == "float" else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _range(values: Sequence[Any]) -> tuple[float, float]:
    """A little beyond the finite numbers among `values`; around a single one when there is no other."""
    finite = [float(value) for value in values if _is_number(value) and abs(value) < 1e100]
    if not finite:
        return -3.0, 3.0
    low, high = min(finite), max(finite)
    beyond = 0.1 * (high - low) if high > low else max(abs(low), 1.0)
    return low - beyond, high + beyond
