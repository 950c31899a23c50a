"""Rows with one unusual value each. MLflow needs many milliseconds for a request however small: most go in company.

Values that hardly a model refuses are asked many at a time. Others are asked value by value, in all columns at once;
where that is not answered, alone. What was answered in company is asked alone too, by a sample.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pierhead.compile.parity.cases import Case, Layout, Row
from pierhead.compile.parity.comparison import Pair
from pierhead.compile.parity.ordinary import Pools
from pierhead.compile.parity.probes import case_of, changed
from pierhead.compile.parity.values import is_mild, special_values

Ask = Callable[[Sequence[Case]], Sequence[Pair]]

_MOST_MILD = 600
_TOGETHER = 40
_FIRST_ALONE = 2
"""If none of so many rows is answered alone, the value is taken to be refused in every column."""

_MOST_ALONE = 160
_SAMPLE_ALONE = 20

Rows = Sequence[Row]


class Unusual:
    """Asks about one model."""

    def __init__(self, layout: Layout, pools: Pools, draw: random.Random, ask: Ask) -> None:
        self._layout = layout
        self._draw = draw
        self._ask = ask
        self._mild, self._harsh = _rows(layout, pools, draw)
        self._turn = 0
        self._alone_left = _MOST_ALONE
        self._pairs: list[Pair] = []
        self._answered: list[Row] = []

    def pairs(self) -> list[Pair]:
        """Everything that was asked."""
        for rows in _pieces(self._mild):
            if not self._are_answered([row for row, _ in rows]):
                for group in _by_value(rows):
                    self._narrow(*group)
        for is_missing, rows in self._harsh:
            for piece in _pieces(rows):
                self._narrow(is_missing, piece)
        for row in self._draw.sample(self._answered, min(len(self._answered), _SAMPLE_ALONE)):
            self._is_answered_alone(row)
        return self._pairs

    def _narrow(self, is_missing: bool, rows: Rows) -> None:
        """Rows of the same unusual value."""
        if len(rows) > 1 and self._are_answered(rows):
            return
        first = len(rows) if is_missing else _FIRST_ALONE
        answers = [self._is_answered_alone(row) for row in rows[:first]]
        if any(answers):
            for row in rows[first:]:
                self._is_answered_alone(row)

    def _are_answered(self, rows: Rows) -> bool:
        """By both; they are kept for the sample."""
        if not self._is_answered(rows):
            return False
        self._answered += rows
        return True

    def _is_answered_alone(self, row: Row) -> bool:
        self._alone_left -= 1
        return self._alone_left >= 0 and self._is_answered([row])

    def _is_answered(self, rows: Rows) -> bool:
        [pair] = self._ask([case_of("special", self._layout, rows, self._turn, self._draw)])
        self._turn += 1
        self._pairs.append(pair)
        return pair.original.is_answer and pair.compiled.is_answer


def _rows(
    layout: Layout, pools: Pools, draw: random.Random
) -> tuple[list[tuple[Row, str]], list[tuple[bool, list[Row]]]]:
    """Mild rows, each with a name for its value; others by kind of column and value, missing values marked."""
    mild: list[tuple[Row, str]] = []
    harsh: dict[tuple[str, str], list[Row]] = {}
    for place, column in enumerate(layout.columns):
        for value in special_values(column):
            row = changed(pools.row(draw), place, value)
            if is_mild(column, value):
                mild.append((row, repr(value)))
            else:
                harsh.setdefault((column.kind, repr(value)), []).append(row)
    mild = draw.sample(mild, min(len(mild), _MOST_MILD))
    groups = [
        (value == "None", draw.sample(rows, min(len(rows), _TOGETHER if value != "None" else _MOST_ALONE)))
        for (_, value), rows in harsh.items()
    ]
    # Missing values first: they are the most usual ones among the unusual.
    return mild, sorted(groups, key=lambda group: not group[0])


def _pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(rows), _TOGETHER):
        yield rows[at : at + _TOGETHER]


def _by_value(rows: Sequence[tuple[Row, str]]) -> list[tuple[bool, Rows]]:
    found: dict[str, list[Row]] = {}
    for row, value in rows:
        found.setdefault(value, []).append(row)
    return [(False, group) for group in found.values()]
