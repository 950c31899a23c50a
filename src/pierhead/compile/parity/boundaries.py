"""Rows on both sides of every place where a compiled model decides: tree thresholds and edges of bins.

A threshold is compared with what preprocessing made of a column. The column's own value there is found by bisection
over the floats, so that no step has to be understood: the two neighbours between which the comparison turns.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import MISSING, UNKNOWN, Column, Matrix, Program
from pierhead.compile.domain.trees import MEMBER
from pierhead.compile.parity.cases import ABSENT, Row
from pierhead.compile.parity.floats import floats_at, middle_of, nearby, ordinal

Evaluate = Callable[[Program, Matrix], Matrix]
"""The program's answer value for the matrix `x`, without labels: see `compile/emit/evaluate.py`."""

_BASE_ROWS = 4
_WIDEST = 400
_FARTHEST = 1e300
_STEPS = 66


@dataclass(frozen=True, slots=True)
class Boundary:
    """Column number `place` turns a decision between two neighbouring numbers; the rows carry them and those nearby."""

    place: int
    below: float
    above: float
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Cut:
    value: str
    feature: int
    threshold: float


def encode(columns: Sequence[Column], rows: Sequence[Row]) -> Matrix:
    """Rows as the program's `x`; what is no number there counts as missing."""
    return np.array([[_code(column, value) for column, value in zip(columns, row, strict=True)] for row in rows])


def _code(column: Column, value: Any) -> float:
    if column.kind == "string":
        if value is None or value is ABSENT:
            return MISSING
        return float(column.vocabulary.index(value)) if value in column.vocabulary else UNKNOWN
    if isinstance(value, bool | int | float):
        number = float(value)
        return float(np.float32(number)) if column.kind == "float" and abs(number) < 3e38 else number
    return float("nan")


def find_boundaries(
    program: Program, rows: Sequence[Row], evaluate: Evaluate, draw: random.Random, most: int
) -> list[Boundary]:
    """Boundaries around `rows`, at most about `most` rows of them, spread evenly over what is compared."""
    cuts = _cuts(program, draw, most)
    if not cuts or len(program.columns) > _WIDEST:
        return []
    found = []
    for value in dict.fromkeys(cut.value for cut in cuts):
        before = _up_to(program, value)
        sources = _sources(before, rows, evaluate)
        here = [cut for cut in cuts if cut.value == value and cut.feature in sources]
        if here:
            found += _cross(before, rows, evaluate, draw, [(cut, sources[cut.feature]) for cut in here])
    return found


def _cuts(program: Program, draw: random.Random, most: int) -> list[_Cut]:
    by_feature: dict[tuple[str, int], list[float]] = {}
    for value, feature, threshold in _all_cuts(program):
        by_feature.setdefault((value, feature), []).append(threshold)
    for thresholds in by_feature.values():
        thresholds[:] = list(dict.fromkeys(thresholds))
        draw.shuffle(thresholds)
    # One of every feature before a second of any: each column has its turn however few rows there are.
    spread: list[_Cut] = []
    rows_of_a_cut = 7
    for turn in range(max((len(thresholds) for thresholds in by_feature.values()), default=0)):
        for (value, feature), thresholds in by_feature.items():
            if turn < len(thresholds):
                spread.append(_Cut(value, feature, thresholds[turn]))
        if len(spread) * rows_of_a_cut >= most:
            break
    return spread[: max(most // rows_of_a_cut, 1)]


def _all_cuts(program: Program) -> list[tuple[str, int, float]]:
    found: list[tuple[str, int, float]] = []
    for node in program.nodes:
        if node.op == "trees":
            names = (f"{node.output}.{part}" for part in ("feature", "threshold", "mode"))
            features, thresholds, modes = (program.constants[name] for name in names)
            ordered = (modes != MEMBER) & np.isfinite(thresholds)
            found += [
                (node.inputs[0], int(feature), float(threshold))
                for feature, threshold in zip(features[ordered], thresholds[ordered], strict=True)
            ]
        elif node.op == "count_at_most":
            edges = program.constants[node.inputs[1]]
            found += [
                (node.inputs[0], feature, float(edge))
                for feature in range(len(edges))
                for edge in edges[feature]
                if np.isfinite(edge)
            ]
    return found


def _up_to(program: Program, value: str) -> Program:
    """The program that answers with `value`."""
    nodes = []
    for node in program.nodes:
        if value == "x":
            break
        nodes.append(node)
        if node.output == value:
            break
    answer = replace(program.answer, value=value, shape="vector", dtype="float64", labels=())
    return replace(program, nodes=tuple(nodes), answer=answer, declines=None)


def _sources(before: Program, rows: Sequence[Row], evaluate: Evaluate) -> dict[int, int]:
    """For each feature that one numeric column decides, that column's place."""
    base = encode(before.columns, rows[:_BASE_ROWS])
    base = np.where(np.isnan(base), 0.5, base)
    places = [place for place, column in enumerate(before.columns) if column.kind not in ("string", "boolean")]
    if not places:
        return {}
    moved = np.repeat(base[np.newaxis], len(places), axis=0)
    for at, place in enumerate(places):
        moved[at, :, place] = moved[at, :, place] * 1.5 + 1.0
    width = base.shape[1]
    reference = evaluate(before, base)
    answers = evaluate(before, moved.reshape(-1, width)).reshape(len(places), len(base), -1)
    changed = np.any(answers != reference[np.newaxis], axis=1)
    return {
        feature: places[int(np.flatnonzero(changed[:, feature])[0])]
        for feature in range(changed.shape[1])
        if changed[:, feature].any()
    }


def _cross(
    before: Program, rows: Sequence[Row], evaluate: Evaluate, draw: random.Random, cuts: Sequence[tuple[_Cut, int]]
) -> list[Boundary]:
    """Bisect for all cuts at once, each on a row of its own."""
    bases = [draw.choice(rows) for _ in cuts]
    x = encode(before.columns, bases)
    at = np.arange(len(cuts))
    places = np.array([place for _, place in cuts])
    features = np.array([cut.feature for cut, _ in cuts])
    thresholds = np.array([cut.threshold for cut, _ in cuts])

    def is_left(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        x[at, places] = numbers
        return np.asarray(evaluate(before, x)[at, features] <= thresholds)

    low, high = np.full(len(cuts), ordinal(-_FARTHEST)), np.full(len(cuts), ordinal(_FARTHEST))
    left_at_low, left_at_high = is_left(floats_at(low)), is_left(floats_at(high))
    for _ in range(_STEPS):
        middle = middle_of(low, high)
        same = is_left(floats_at(middle)) == left_at_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    below, above = floats_at(low), floats_at(high)
    return [
        _boundary(before.columns[place], place, base, float(below[number]), float(above[number]))
        for number, (base, (_, place)) in enumerate(zip(bases, cuts, strict=True))
        if left_at_low[number] != left_at_high[number]
    ]


def _boundary(column: Column, place: int, base: Row, below: float, above: float) -> Boundary:
    rows = tuple((*base[:place], value, *base[place + 1 :]) for value in nearby(column, below, above))
    return Boundary(place, below, above, rows)
