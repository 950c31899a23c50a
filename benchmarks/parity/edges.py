"""Rows beside the places where the original's own answer jumps, found by asking it and nothing else."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.parity.tables import Table

_STEPS = 66
Frame = pd.DataFrame


def edge_rows(model: Any, table: Table, draw: np.random.Generator, pairs: int) -> Frame:
    """About six rows for each of at most `pairs` jumps; `model` is a PyFuncModel.

    Two values of one column are brought together by bisection as long as their answers differ: in trees until they are
    neighbours among the floats, with a threshold in between.
    """
    low, high = table.fresh(draw, pairs), table.fresh(draw, pairs)
    names = [name for name in low.columns if name not in (*table.words, "active")]
    places = [names[at % len(names)] for at in range(pairs)]
    high = _with(low, places, _values(high, places))
    at_low = _answers(model, table, low)
    jumps = _differ(at_low, _answers(model, table, high))
    a, b = _values(low, places), _values(high, places)
    for _ in range(_STEPS if jumps.any() else 0):
        middle = _middles(low, places, a, b)
        same = ~_differ(at_low, _answers(model, table, _with(low, places, middle)))
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    found = [_with(low, places, values)[jumps] for values in _beside(low, places, a, b)]
    return pd.concat(found, ignore_index=True)


def _middles(frame: Frame, places: list[str], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    middle = a + (b - a) / 2
    whole = np.array([frame[place].dtype.kind == "i" for place in places])
    return np.where(whole, np.floor(middle), middle)


def _beside(frame: Frame, places: list[str], a: NDArray[np.float64], b: NDArray[np.float64]) -> list[Any]:
    """Both ends, what lies next to them, and both in single precision; whole numbers stay whole."""
    whole = np.array([frame[place].dtype.kind == "i" for place in places])
    with np.errstate(over="ignore"):
        singles = [end.astype(np.float32).astype(np.float64) for end in (a, b)]
    outer = [np.where(whole, end + step, np.nextafter(end, step * np.inf)) for end, step in ((a, -1.0), (b, 1.0))]
    return [a, b, *outer, *(np.where(whole, np.round(end), end) for end in singles)]


def _values(frame: Frame, places: list[str]) -> NDArray[np.float64]:
    """Of each row the value in its place; a missing one becomes 0."""
    values = [float(frame.at[at, place]) for at, place in enumerate(places)]
    return np.nan_to_num(np.array(values))


def _with(frame: Frame, places: list[str], values: NDArray[np.float64]) -> Frame:
    changed = frame.copy()
    for name in set(places):
        rows = np.array([place == name for place in places])
        changed.loc[rows, name] = values[rows].astype(frame[name].dtype)
    return changed


def _answers(model: Any, table: Table, frame: Frame) -> NDArray[Any]:
    answers = model.predict(frame.to_numpy() if table.is_tensor else frame)
    return np.asarray(answers).reshape(len(frame), -1)


def _differ(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((a != b).any(axis=1), dtype=bool)
