"""What is held of one column in one cell, in bounded memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import OTHER, Floats
from pierhead.statistics.references import MOST_CATEGORIES
from pierhead.statistics.sketches.numeric import NumericSketch

MOST_VALUES = 200_000
"""Values of a numeric column that are held as they are; more become a sketch, and quantiles, KS and Wasserstein have
the sketch's error. Counts, means and PSI are exact at any size."""

QUANTILES = np.linspace(0, 1, 101)


@dataclass(slots=True)
class NumericSample:
    """`values` are sorted, without NaN; None if there are too many, then there is a `sketch`."""

    rows: int
    nans: int
    n: int
    values: Floats | None
    sketch: NumericSketch | None

    @property
    def nulls(self) -> int:
        return self.rows - self.n - self.nans

    @property
    def zeros(self) -> int:
        if self.values is None:
            return self.as_sketch().zeros
        first, last = np.searchsorted(self.values, 0.0, "left"), np.searchsorted(self.values, 0.0, "right")
        return int(last - first)

    def as_sketch(self, edges: Sequence[float] | Floats = ()) -> NumericSketch:
        """The sketch; of few values a new one on these bins."""
        if self.sketch is not None:
            return self.sketch
        sketch = NumericSketch(edges)
        if self.values is not None:
            sketch.add(self.values)
        return sketch

    def counts(self, edges: Floats) -> npt.NDArray[np.float64]:
        """Values in each bin (lower, upper]. Of a sketch on other bins they are read from it, within its error."""
        if self.values is not None:
            below = np.searchsorted(self.values, edges, side="right")
            return np.diff(np.concatenate([[0], below, [self.n]])).astype(np.float64)
        sketch = self.as_sketch()
        if np.array_equal(sketch.inner_edges, edges):
            return sketch.counts.astype(np.float64)
        ranks = np.round(sketch.ranks_at(edges) * self.n) if edges.size else np.empty(0)
        return np.diff(np.concatenate([[0.0], ranks, [float(self.n)]]))

    def quantiles(self) -> list[float]:
        """At `QUANTILES`; values of the sample (inverted CDF)."""
        if self.n == 0:
            return []
        if self.values is None:
            return [float(value) for value in self.as_sketch().quantiles(QUANTILES)]
        places = np.maximum(np.ceil(QUANTILES * self.n).astype(np.int64) - 1, 0)
        return [float(value) for value in self.values[places]]


@dataclass(slots=True)
class CategoricalSample:
    """`counts` are of the most frequent values and of those that the baseline keeps; `n` counts all."""

    rows: int
    n: int = 0
    distinct: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    min_length: int | None = None
    max_length: int | None = None
    length: int = 0

    @property
    def nulls(self) -> int:
        return self.rows - self.n

    def frequent(self, most: int) -> dict[str, int]:
        """The most frequent values, largest first, ties by name."""
        return dict(sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))[:most])

    def categories(self) -> tuple[str, ...]:
        """Those that are counted when this sample is the reference."""
        return tuple(self.frequent(MOST_CATEGORIES))

    def cells(self, categories: Sequence[str]) -> dict[str, int]:
        """Counts of these categories, and of all others together."""
        counts = {category: self.counts.get(category, 0) for category in categories}
        rest = self.n - sum(counts.values())
        return {**counts, OTHER: rest} if rest else counts


@dataclass(slots=True)
class OtherSample:
    """Of a column that is only counted."""

    rows: int
    n: int

    @property
    def nulls(self) -> int:
        return self.rows - self.n


Sample = NumericSample | CategoricalSample | OtherSample
EdgesOf = Mapping[int, Floats]
"""Inner edges of the bins by number of the cell; cells without any have no bins."""


@dataclass(slots=True)
class Gathering:
    """A numeric column of a cell while it is read."""

    edges: Floats
    n: int = 0
    nans: int = 0
    _parts: list[Floats] = field(default_factory=list)
    _sketch: NumericSketch | None = None

    def add(self, values: Floats) -> None:
        missing = np.isnan(values)
        if missing.any():
            self.nans += int(missing.sum())
            values = values[~missing]
        self.n += values.size
        if self._sketch is not None:
            self._sketch.add(values)
            return
        self._parts.append(values)
        if self.n > MOST_VALUES:
            self._sketch = NumericSketch(self.edges)
            for part in self._parts:
                self._sketch.add(part)
            self._parts.clear()

    def sample(self, rows: int) -> NumericSample:
        values = None
        if self._sketch is None:
            values = np.sort(np.concatenate(self._parts)) if self._parts else np.empty(0)
        return NumericSample(rows, self.nans, self.n, values, self._sketch)
