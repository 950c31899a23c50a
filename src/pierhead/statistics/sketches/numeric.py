"""A numeric column in a few kilobytes.

A KLL sketch (k = 800; normalised rank error 0.35 percent, 19 KB at most; Karnin, Lang, Liberty 2016) for quantiles and
KS, exact counts of the reference's bins for PSI, exact moments, nulls, NaNs and zeros. The KLL sketch draws random bits
that cannot be seeded: two runs over the same rows agree within its error, not bit by bit. Everything else is exact.
"""

import math
from collections.abc import Sequence

import datasketches
import numpy as np
import numpy.typing as npt

from pierhead.statistics.binning import DECILES, bin_counts, edges_from_quantiles
from pierhead.statistics.counts import Floats
from pierhead.statistics.framing import pack, unpack
from pierhead.statistics.sequential.means import Moments

K = 800
_KIND = "numeric sketch"


class NumericSketch:
    """Counts, moments and quantiles of the values added so far. Changes in place.

    `inner_edges` are those of the reference (none: one bin). `nulls` and `nans` count rows without a value; `zeros`
    count values equal to 0; `moments` are of the finite values.
    """

    def __init__(self, inner_edges: Sequence[float] | Floats = ()) -> None:
        self.inner_edges: Floats = np.array(inner_edges, dtype=np.float64)
        self.counts: npt.NDArray[np.int64] = np.zeros(self.inner_edges.size + 1, dtype=np.int64)
        self.nulls = 0
        self.nans = 0
        self.zeros = 0
        self.moments = Moments()
        self._kll = datasketches.kll_doubles_sketch(K)

    def add(self, values: Sequence[float] | npt.NDArray[np.generic], *, nulls: int = 0) -> None:
        """Take in a batch of numbers, and how many rows of it were null."""
        array = np.array(values, dtype=np.float64).ravel()
        missing = np.isnan(array)
        self.nulls += nulls
        if missing.any():
            self.nans += int(missing.sum())
            array = array[~missing]
        if array.size == 0:
            return
        self.zeros += int(np.count_nonzero(array == 0))
        self.counts += bin_counts(array, self.inner_edges)
        self.moments = self.moments.merge(_moments(array))
        # The sketch takes only writable float64 arrays: `array` is a copy of ours.
        self._kll.update(array)

    def merge(self, other: "NumericSketch") -> None:
        """Take in another sketch of the same column. Raises ValueError when its bins are others."""
        if not np.array_equal(self.inner_edges, other.inner_edges):
            raise ValueError("sketches on different bins cannot be merged")
        self.counts += other.counts
        self.nulls += other.nulls
        self.nans += other.nans
        self.zeros += other.zeros
        self.moments = self.moments.merge(other.moments)
        self._kll.merge(other._kll)

    @property
    def n(self) -> int:
        """Values, infinities among them."""
        return int(self._kll.n)

    @property
    def rows(self) -> int:
        return self.n + self.nulls + self.nans

    @property
    def minimum(self) -> float | None:
        return float(self._kll.get_min_value()) if self.n else None

    @property
    def maximum(self) -> float | None:
        return float(self._kll.get_max_value()) if self.n else None

    @property
    def standard_deviation(self) -> float | None:
        """Of the finite values, n - 1; 0 for a constant column, None below two values or beyond what a float holds."""
        if self.moments.n < 2:
            return None
        if self.minimum == self.maximum:
            return 0.0
        deviation = math.sqrt(self.moments.variance) if self.moments.variance >= 0 else math.nan
        return deviation if math.isfinite(deviation) else None

    @property
    def rank_error(self) -> float:
        """How far a rank read here may be off, at 99 percent confidence; 0 while every value is kept."""
        return float(self._kll.normalized_rank_error(False)) if self._kll.is_estimation_mode() else 0.0

    def quantiles(self, ranks: Sequence[float] | Floats) -> Floats:
        """Values at these ranks in [0, 1]; empty when there are none. Off by `rank_error` in rank, 0 and 1 exact."""
        if not self.n:
            return np.empty(0)
        wanted = np.asarray(ranks, dtype=np.float64)
        values = np.asarray(self._kll.get_quantiles(wanted.tolist(), inclusive=True))
        # The sketch keeps the extremes apart from what it sampled, and does not give them at ranks 0 and 1.
        values[wanted <= 0], values[wanted >= 1] = self.minimum, self.maximum
        return values

    def ranks_at(self, points: Floats) -> Floats:
        """Share of values <= each point (strictly increasing points). Off by `rank_error`. Needs values."""
        return np.asarray(self._kll.get_cdf(points.tolist(), inclusive=True))[:-1]

    def decile_edges(self) -> Floats:
        """Inner edges for a reference, from the sketch's deciles; empty without values."""
        deciles = self.quantiles(DECILES)
        deciles = deciles[np.isfinite(deciles)]
        if deciles.size == 0 or self.minimum is None:
            return np.empty(0)
        return edges_from_quantiles(deciles, self.minimum)

    def to_bytes(self) -> bytes:
        head = {
            "kind": _KIND,
            "edges": self.inner_edges.tolist(),
            "counts": self.counts.tolist(),
            "nulls": self.nulls,
            "nans": self.nans,
            "zeros": self.zeros,
            # Text keeps an overflow to infinity, which JSON has no number for.
            "moments": [self.moments.n, repr(self.moments.mean), repr(self.moments.m2)],
        }
        return pack(head, self._kll.serialize())

    @classmethod
    def from_bytes(cls, packed: bytes) -> "NumericSketch":
        """Raises ValueError when the bytes are not of a numeric sketch."""
        head, (kll,) = unpack(packed, _KIND, parts=1)
        sketch = cls(head["edges"])
        sketch.counts = np.asarray(head["counts"], dtype=np.int64)
        sketch.nulls, sketch.nans, sketch.zeros = head["nulls"], head["nans"], head["zeros"]
        n, mean, m2 = head["moments"]
        sketch.moments = Moments(n, float(mean), float(m2))
        sketch._kll = datasketches.kll_doubles_sketch.deserialize(kll)
        return sketch


def _moments(values: Floats) -> Moments:
    finite = values[np.isfinite(values)]
    # Squares of numbers beyond 1e154 overflow to infinity, and `standard_deviation` is then None.
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(finite.mean()) if finite.size else 0.0
        return Moments(int(finite.size), mean, float(np.square(finite - mean).sum()))
