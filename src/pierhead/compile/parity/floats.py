"""Floats by their place among all floats, for bisection down to two neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import Column

_LARGEST_SINGLE = 3e38
_LARGEST_WHOLE = {"integer": 2**31 - 1, "long": 2**53}

Places = NDArray[np.int64]


def ordinal(number: float) -> np.int64:
    """A float's place: those of neighbours are one apart.

    >>> int(ordinal(float(np.nextafter(1.0, 2.0))) - ordinal(1.0)), int(ordinal(0.0))
    (1, 0)
    """
    bits = np.float64(number).view(np.int64)
    return np.int64(bits if bits >= 0 else np.int64(-(2**63)) - bits)


def floats_at(places: Places) -> NDArray[np.float64]:
    """The floats at these places.

    >>> floats_at(np.array([ordinal(-2.5), ordinal(0.0)])).tolist()
    [-2.5, 0.0]
    """
    bits = np.where(places >= 0, places, np.int64(-(2**63)) - places)
    return bits.astype(np.int64).view(np.float64)


def middle_of(low: Places, high: Places) -> Places:
    """Halfway, rounded down. Halves first: the sum of two large places does not fit."""
    middle: Places = (low >> 1) + (high >> 1) + (low & high & 1)
    return middle


def nearby(column: Column, below: float, above: float) -> list[Any]:
    """JSON values of the column at two neighbouring floats and beside them, of doubles and of single precision."""
    if column.kind in _LARGEST_WHOLE:
        if max(abs(below), abs(above)) >= _LARGEST_WHOLE[column.kind]:
            return []
        low, high = int(np.floor(below)), int(np.ceil(above))
        return [low, high, low - 1, high + 1]
    near = [below, above, float(np.nextafter(below, -np.inf)), float(np.nextafter(above, np.inf))]
    if abs(below) < _LARGEST_SINGLE:
        single = np.float32(below)
        near += [float(single), float(np.nextafter(single, np.float32(-np.inf)))]
        near.append(float(np.nextafter(single, np.float32(np.inf))))
    return list(dict.fromkeys(near))
