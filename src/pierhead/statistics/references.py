"""What a column looked like in the reference: stored once with the model version, compared with ever after.

A numeric column is binned at its deciles (`binning.py`), a categorical one keeps its 200 most frequent categories with
exact counts and the rest as `__other__`. Both keep a mergeable sketch for what needs more than the bins.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pierhead.statistics.binning import decile_edges
from pierhead.statistics.counts import OTHER, Floats
from pierhead.statistics.null_bounds import Spread, spread_of_samples
from pierhead.statistics.sequential.means import Moments
from pierhead.statistics.sketches import comparison
from pierhead.statistics.sketches.categorical import CategoricalSketch
from pierhead.statistics.sketches.numeric import NumericSketch

MOST_CATEGORIES = 200
T = TypeVar("T")
Chunks = Callable[[], Iterable[T]]
"""Gives the column's chunks from the start each time it is called."""


@dataclass(frozen=True, slots=True)
class NumericReference:
    """A numeric column's reference: a sketch on its own deciles, and the spread that the Wasserstein null needs."""

    sketch_bytes: bytes
    spread: Spread | None

    def sketch(self) -> NumericSketch:
        """A fresh copy of the reference's sketch: its edges, counts, moments, nulls, NaNs, zeros and quantiles."""
        return NumericSketch.from_bytes(self.sketch_bytes)

    @property
    def inner_edges(self) -> tuple[float, ...]:
        return tuple(self.sketch().inner_edges.tolist())

    @property
    def edges(self) -> tuple[float, ...]:
        """All borders of the bins, -inf and inf at the ends."""
        return (-np.inf, *self.inner_edges, np.inf)

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(self.sketch().counts.tolist())

    @property
    def moments(self) -> Moments:
        return self.sketch().moments

    def current(self) -> NumericSketch:
        """An empty sketch on this reference's bins."""
        return NumericSketch(self.sketch().inner_edges)

    def as_json(self) -> dict[str, Any]:
        spread = None if self.spread is None else [self.spread.integral, self.spread.deviation]
        return {"kind": "numeric", "sketch": base64.b64encode(self.sketch_bytes).decode(), "spread": spread}


@dataclass(frozen=True, slots=True)
class CategoricalReference:
    """A categorical column's reference: exact counts of at most 200 categories, the rest as `__other__`."""

    sketch_bytes: bytes

    def sketch(self) -> CategoricalSketch:
        """A fresh copy of the reference's sketch: its counts, nulls, frequent items and distinct count."""
        return CategoricalSketch.from_bytes(self.sketch_bytes)

    @property
    def counts(self) -> dict[str, int]:
        """Count per category, `__other__` among them if there are more than are kept."""
        return self.sketch().cells()

    @property
    def is_complete(self) -> bool:
        """Whether every value of the reference is among its categories, so that a new one can be told."""
        return OTHER not in self.counts

    def current(self) -> CategoricalSketch:
        """An empty sketch on this reference's categories."""
        return CategoricalSketch(self.sketch().counts)

    def as_json(self) -> dict[str, Any]:
        return {"kind": "categorical", "sketch": base64.b64encode(self.sketch_bytes).decode()}


Reference = NumericReference | CategoricalReference


def from_json(stored: dict[str, Any]) -> Reference:
    """The reference again. Raises ValueError for another kind."""
    kind = stored.get("kind")
    if kind not in ("numeric", "categorical"):
        raise ValueError(f"{kind!r} is no kind of reference")
    packed = base64.b64decode(stored["sketch"], validate=True)
    if kind == "categorical":
        return CategoricalReference(packed)
    spread = stored["spread"]
    return NumericReference(packed, None if spread is None else Spread(*spread))


def numeric_reference(values: Sequence[float] | npt.NDArray[np.generic], *, nulls: int = 0) -> NumericReference:
    """The reference of a column held whole: exact deciles, exact counts."""
    array: Floats = np.array(values, dtype=np.float64).ravel()
    sketch = NumericSketch(decile_edges(array))
    sketch.add(array, nulls=nulls)
    return NumericReference(sketch.to_bytes(), spread_of_samples(array))


def numeric_reference_of_chunks(chunks: Chunks[tuple[npt.NDArray[np.generic], int]]) -> NumericReference:
    """The reference of a column read in chunks of (values, nulls), twice: deciles from a sketch, then exact counts."""
    first = NumericSketch()
    for values, nulls in chunks():
        first.add(values, nulls=nulls)
    second = NumericSketch(first.decile_edges())
    for values, nulls in chunks():
        second.add(values, nulls=nulls)
    return numeric_reference_of_sketch(second)


def numeric_reference_of_sketch(sketch: NumericSketch) -> NumericReference:
    """The reference that a finished (merged) sketch stands for, on the sketch's bins."""
    return NumericReference(sketch.to_bytes(), comparison.spread(sketch))


def categorical_reference(values: Iterable[object], *, nulls: int = 0) -> CategoricalReference:
    """The reference of a column held whole."""
    kept = list(values)
    return categorical_reference_of_chunks(lambda: [(kept, nulls)])


def categorical_reference_of_chunks(chunks: Chunks[tuple[Iterable[object], int]]) -> CategoricalReference:
    """The reference of a column read in chunks of (values, nulls), twice: most frequent categories, then exact counts.

    Beyond 768 distinct values which ones are kept rests on the frequent-items sketch: those within its error of the
    200th may be missed. Their counts are exact.
    """
    first = CategoricalSketch()
    for values, nulls in chunks():
        first.add(values, nulls=nulls)
    second = CategoricalSketch(first.frequent(MOST_CATEGORIES))
    for values, nulls in chunks():
        second.add(values, nulls=nulls)
    return CategoricalReference(second.to_bytes())
