"""Bins of a numeric column: the reference's deciles, ties handled.

Bin i holds `inner_edges[i-1] < x <= inner_edges[i]`; the first bin starts at -inf and the last ends at inf, so B inner
edges make B + 1 bins and every finite or infinite value has one.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import Floats, Samples, samples

DECILES = tuple(i / 10 for i in range(1, 10))
BINS = (
    "reference deciles (inverted CDF), bins (lower, upper], a repeated decile is a bin of its own, ends at -inf and inf"
)


def decile_edges(values: Samples) -> Floats:
    """Inner edges from a reference sample, strictly increasing; empty when there are no finite values.

    Deciles are values of the sample (inverted CDF), so the edges do not depend on an interpolation rule.

    >>> decile_edges(range(1, 101)).tolist()
    [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    """
    ordered = samples(values)
    ordered = ordered[np.isfinite(ordered)]
    if ordered.size == 0:
        return np.empty(0)
    return edges_from_quantiles(np.quantile(ordered, DECILES, method="inverted_cdf"), ordered[0])


def edges_from_quantiles(quantiles: Sequence[float] | Floats, smallest: float) -> Floats:
    """Inner edges from quantiles that may repeat. `smallest` is the least value of the reference.

    A value that several quantiles share carries much of the mass: it gets a bin of its own, bounded below by the next
    smaller number, so that a move away from it to either side is seen. The same holds for a quantile at the minimum.
    """
    values, times = np.unique(np.asarray(quantiles, dtype=np.float64), return_counts=True)
    atoms = values[(times > 1) | (values <= smallest)]
    return np.unique(np.concatenate([values, [just_below(atom) for atom in atoms]]))


def just_below(value: float) -> float:
    """The next smaller float; below 0 the smallest normal one, which no database flushes to 0."""
    return -float(np.finfo(np.float64).tiny) if value == 0 else float(np.nextafter(value, -np.inf))


def bin_counts(values: Samples, inner_edges: Sequence[float] | Floats) -> npt.NDArray[np.int64]:
    """How many values each bin holds, shape (len(inner_edges) + 1,). NaN is left out."""
    array = np.asarray(values, dtype=np.float64).ravel()
    array = array[~np.isnan(array)]
    edges = np.asarray(inner_edges, dtype=np.float64)
    return np.bincount(np.searchsorted(edges, array, side="left"), minlength=edges.size + 1).astype(np.int64)
