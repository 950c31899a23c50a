"""Rows on both sides of places where the original's own answer jumps: found by asking it, whatever it is made of.

Two rows that differ in one column and in their answers are brought together by bisection over the floats. In a model
of trees that ends at a threshold; in a smooth one somewhere, which does no harm.
"""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.parity.cases import Layout, Row
from pierhead.compile.parity.floats import Places, floats_at, middle_of, nearby, ordinal
from pierhead.compile.parity.ordinary import Pools

Answer = Callable[[Sequence[Row]], Sequence[Any] | None]
"""The original's answers to rows in one request; None if it refuses them."""

_STEPS = 33
"""Each leaves a quarter of what lies between two floats."""

_SMOOTH_AFTER = 16
_SMOOTH_SHARE = 0.9
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

    def answers(*many: Places) -> list[Sequence[Any]] | None:
        """To the rows with each of `many` places, in one request."""
        numbers = [float(number) for ordinals in many for number in floats_at(ordinals)]
        rows = [
            _with(layout, row, place, number) for (place, row), number in zip(tried * len(many), numbers, strict=True)
        ]
        found = answer(rows)
        return None if found is None else [found[at : at + len(tried)] for at in range(0, len(rows), len(tried))]

    ends_found = answers(low, high)
    if ends_found is None:
        return []
    at_low, at_high = ends_found
    jumps = ~_equal(at_low, at_high)
    for step in range(_STEPS if jumps.any() else 0):
        middle = middle_of(low, high)
        points = middle_of(low, middle), middle, middle_of(middle, high)
        found = answers(*points)
        if found is None:
            return []
        if step == _SMOOTH_AFTER and _are_smooth([at_low, *found], jumps):
            break
        low, high = _narrowed(low, high, points, [_equal(each, at_low) for each in found])
    below, above = floats_at(low), floats_at(high)
    return [
        (*row[:place], value, *row[place + 1 :])
        for number, (place, row) in enumerate(tried)
        if jumps[number]
        for value in nearby(layout.columns[place], float(below[number]), float(above[number]))
    ]


def _equal(first: Sequence[Any], second: Sequence[Any]) -> NDArray[np.bool_]:
    return np.array([a == b for a, b in zip(first, second, strict=True)], dtype=np.bool_)


def _narrowed(
    low: Places, high: Places, points: Sequence[Places], same: Sequence[NDArray[np.bool_]]
) -> tuple[Places, Places]:
    """The quarter in which the answer stops being that at `low`; `same` tells for three points whether it still is."""
    first, second, third = same
    ends = [low, *points, high]
    quarter = np.where(first, np.where(second, np.where(third, 3, 2), 1), 0)
    return np.choose(quarter, ends[:-1]), np.choose(quarter, ends[1:])


def _are_smooth(answers: Sequence[Sequence[Any]], jumps: NDArray[np.bool_]) -> bool:
    """Whether neighbouring points are still answered differently nearly everywhere: there is no jump to be met."""
    changes = [~_equal(a, b) for a, b in pairwise(answers)]
    return bool(np.all(changes, axis=0)[jumps].mean() > _SMOOTH_SHARE)


def _two_ends(pools: Pools, place: int, draw: random.Random) -> tuple[float, float]:
    """A random stretch of the column's range, so that not every search meets the same jump."""
    low, high = pools.range_of(place)
    first, second = sorted((draw.uniform(low, high), draw.uniform(low, high)))
    return first, second


def _with(layout: Layout, row: Row, place: int, number: float) -> Row:
    is_whole = layout.columns[place].kind in ("long", "integer")
    return (*row[:place], round(number) if is_whole else number, *row[place + 1 :])
