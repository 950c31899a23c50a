"""Rows on both sides of places where the original's own answer jumps: found by asking it, whatever it is made of.

Two rows that differ in one column and in their answers are brought together by bisection over the floats. In a model
of trees that ends at a threshold; in a smooth one somewhere, which does no harm.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pierhead.compile.parity.cases import Layout, Row
from pierhead.compile.parity.floats import floats_at, middle_of, nearby, ordinal
from pierhead.compile.parity.ordinary import Pools

Answer = Callable[[Sequence[Row]], Sequence[Any] | None]
"""The original's answers to rows in one request; None if it refuses them."""

_STEPS = 64
_NUMERIC = ("double", "float", "long", "integer")


def find_jumps(layout: Layout, pools: Pools, answer: Answer, draw: random.Random, most: int) -> list[Row]:
    """Rows beside at most `most` jumps."""
    places = [place for place, column in enumerate(layout.columns) if column.kind in _NUMERIC]
    if not places:
        return []
    # Every column in turn, between the ends of its range.
    tried = [(places[turn % len(places)], pools.row(draw)) for turn in range(most)]
    ends = [_two_ends(pools, place, draw) for place, _ in tried]
    low = np.array([ordinal(end[0]) for end in ends])
    high = np.array([ordinal(end[1]) for end in ends])

    def answers(ordinals: Any) -> Sequence[Any] | None:
        numbers = floats_at(ordinals)
        rows = [_with(layout, row, place, float(number)) for (place, row), number in zip(tried, numbers, strict=True)]
        return answer(rows)

    at_low, at_high = answers(low), answers(high)
    if at_low is None or at_high is None:
        return []
    jumps = np.array([a != b for a, b in zip(at_low, at_high, strict=True)], dtype=bool)
    for _ in range(_STEPS if jumps.any() else 0):
        middle = middle_of(low, high)
        found = answers(middle)
        if found is None:
            return []
        same = np.array([a == b for a, b in zip(found, at_low, strict=True)], dtype=bool)
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    below, above = floats_at(low), floats_at(high)
    return [
        (*row[:place], value, *row[place + 1 :])
        for number, (place, row) in enumerate(tried)
        if jumps[number]
        for value in nearby(layout.columns[place], float(below[number]), float(above[number]))
    ]


def _two_ends(pools: Pools, place: int, draw: random.Random) -> tuple[float, float]:
    """A random stretch of the column's range, so that not every search meets the same jump."""
    low, high = pools.range_of(place)
    first, second = sorted((draw.uniform(low, high), draw.uniform(low, high)))
    return first, second


def _with(layout: Layout, row: Row, place: int, number: float) -> Row:
    is_whole = layout.columns[place].kind in ("long", "integer")
    return (*row[:place], round(number) if is_whole else number, *row[place + 1 :])
