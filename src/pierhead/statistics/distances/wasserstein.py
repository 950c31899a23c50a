"""Wasserstein-1 (earth mover's) distance, raw and scaled.

W = the integral of |F(x) - G(x)| dx, in the column's unit; the same as `scipy.stats.wasserstein_distance`. Scaled: W
divided by the reference's standard deviation (n - 1 in the denominator), so that one threshold serves all columns.
Source: Vallender (1974).

From counts the mass of a cell is taken as spread evenly over it, which needs finite ends. `error_bound` is then half
the sum of width times both shares: to gather evenly spread mass anywhere in its cell costs at most half the width.
"""

from collections.abc import Sequence

import numpy as np

from pierhead.statistics.counts import Counts, Floats, Samples, absence, paired_counts, samples, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

_NULL = "Gaussian concentration around the mean of the limit (an upper bound)"
METHOD = MethodSpec("wasserstein", variant="W1, in the column's unit", null=_NULL)
SCALED_METHOD = MethodSpec("wasserstein_scaled", variant="W1 / standard deviation of the reference (n - 1)", null=_NULL)
COUNTS_METHOD = MethodSpec("wasserstein", METHOD.variant, bins="the cells given, mass even within a cell", null=_NULL)


def of_samples(reference: Samples, current: Samples) -> Measured:
    """W1 of two samples; NaN is left out. None when one has no values or an infinite one."""
    return _raw(samples(reference), samples(current), METHOD)


def scaled_of_samples(reference: Samples, current: Samples) -> Measured:
    """W1 in standard deviations of the reference.

    None also when the reference is constant (or has one value) and the distance is not 0.
    """
    first = samples(reference)
    raw = _raw(first, samples(current), SCALED_METHOD)
    return raw if raw.value is None else scaled(raw, _standard_deviation(first))


def scaled(raw: Measured, standard_deviation: float) -> Measured:
    """A raw W1 in units of the reference's standard deviation."""
    n, m = raw.n_reference, raw.n_current
    if raw.value is None:
        return unmeasured(SCALED_METHOD, raw.reason or "no distance", n, m)
    if raw.value == 0:
        return Measured(0.0, SCALED_METHOD, n, m)
    if not standard_deviation > 0:
        return unmeasured(SCALED_METHOD, "the reference is constant", n, m)
    return Measured(
        raw.value / standard_deviation, SCALED_METHOD, n, m, error_bound=raw.error_bound / standard_deviation
    )


def of_counts(reference: Counts, current: Counts, edges: Sequence[float] | Floats) -> Measured:
    """W1 of counts on cells with these edges (one more than cells, all finite, increasing)."""
    first, second = paired_counts(reference, current)
    n, m = int(first.sum()), int(second.sum())
    borders = np.asarray(edges, dtype=np.float64)
    if borders.size != first.size + 1:
        raise ValueError(f"{first.size} cells need {first.size + 1} edges, not {borders.size}")
    if reason := absence(n, m):
        return unmeasured(COUNTS_METHOD, reason, n, m)
    if not np.all(np.isfinite(borders)):
        return unmeasured(COUNTS_METHOD, "the outer cells have no end", n, m)
    p, q, widths = shares(first), shares(second), np.diff(borders)
    after = np.cumsum(p - q)
    before = np.concatenate([[0.0], after[:-1]])
    value = float(np.sum(widths * _mean_absolute(before, after)))
    bound = float(np.sum(widths * (p + q))) / 2
    return Measured(value, COUNTS_METHOD, n, m, error_bound=bound)


def _raw(first: Floats, second: Floats, method: MethodSpec) -> Measured:
    n, m = first.size, second.size
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    if not (np.isfinite(first[[0, -1]]).all() and np.isfinite(second[[0, -1]]).all()):
        return unmeasured(method, "the distance of infinite values is not finite", n, m)
    points = np.sort(np.concatenate([first, second]))
    at = points[:-1]
    gaps = np.searchsorted(first, at, side="right") / n - np.searchsorted(second, at, side="right") / m
    return Measured(float(np.sum(np.abs(gaps) * np.diff(points))), method, n, m)


def _standard_deviation(values: Floats) -> float:
    return float(values.std(ddof=1)) if values.size > 1 and values[0] < values[-1] else 0.0


def _mean_absolute(start: Floats, end: Floats) -> Floats:
    """Mean of |y| along straight lines from `start` to `end`."""
    total = np.abs(start) + np.abs(end)
    crosses = start * end < 0
    squares = start**2 + end**2
    return np.where(crosses, squares / np.where(total > 0, 2 * total, 1.0), total / 2)
