"""Distances between two sketched numeric columns, each with the bound of its error.

PSI and its kin come from exact counts on the reference's bins and need no bound. KS and Wasserstein are read from the
two KLL sketches: each distribution function is off by its rank error (99 percent confidence) and is compared at the
sketches' quantiles in steps of 1 / GRID.
"""

from dataclasses import replace

import numpy as np

from pierhead.statistics.counts import Floats, absence
from pierhead.statistics.distances import ks as exact_ks
from pierhead.statistics.distances import wasserstein as exact_wasserstein
from pierhead.statistics.method import Measured, unmeasured
from pierhead.statistics.null_bounds import Spread
from pierhead.statistics.sketches.numeric import K, NumericSketch
from pierhead.statistics.smirnov import Smirnov

GRID = 4096
_SOURCE = f"kll k={K}, compared at 1/{GRID} of rank"
KS_METHOD = replace(exact_ks.METHOD, source=_SOURCE)
WASSERSTEIN_METHOD = replace(exact_wasserstein.METHOD, source=_SOURCE)


def ks(reference: NumericSketch, current: NumericSketch) -> Measured:
    """KS statistic and p; the exact D is within `error_bound`, the sum of both rank errors and the grid's step."""
    n, m = reference.n, current.n
    if reason := absence(n, m):
        return unmeasured(KS_METHOD, reason, n, m)
    points = _points(reference, current)
    distance = float(np.abs(reference.ranks_at(points) - current.ranks_at(points)).max())
    return Measured(
        distance, KS_METHOD, n, m, p_value=Smirnov(n, m).p_value(distance), error_bound=_rank_bound(reference, current)
    )


def wasserstein(reference: NumericSketch, current: NumericSketch) -> Measured:
    """W1; the exact value is within `error_bound`, the rank bound times the range of both columns."""
    n, m = reference.n, current.n
    if reason := absence(n, m):
        return unmeasured(WASSERSTEIN_METHOD, reason, n, m)
    points = _points(reference, current)
    if not np.isfinite(points[[0, -1]]).all():
        return unmeasured(WASSERSTEIN_METHOD, "the distance of infinite values is not finite", n, m)
    gaps = np.abs(reference.ranks_at(points) - current.ranks_at(points))
    value = float(np.sum(gaps[:-1] * np.diff(points)))
    bound = _rank_bound(reference, current) * float(points[-1] - points[0])
    return Measured(value, WASSERSTEIN_METHOD, n, m, error_bound=bound)


def wasserstein_scaled(reference: NumericSketch, current: NumericSketch) -> Measured:
    """W1 in standard deviations of the reference."""
    return exact_wasserstein.scaled(wasserstein(reference, current), reference.standard_deviation or 0.0)


def spread(sketch: NumericSketch) -> Spread | None:
    """What the Wasserstein null needs, from a sketch; None without two finite values.

    Between the sketch's last value and the exact maximum the rank of the former is taken, so a heavy tail makes the
    integral too large rather than too small, and the bound stays one.
    """
    deviation = sketch.standard_deviation
    if deviation is None:
        return None
    ranks = np.arange(GRID + 1) / GRID
    values = sketch.quantiles(ranks)
    finite = np.isfinite(values)
    ranks, values = ranks[finite], values[finite]
    below = ranks[:-1]
    return Spread(float(np.sum(np.sqrt(below * (1 - below)) * np.diff(values))), deviation)


def _points(reference: NumericSketch, current: NumericSketch) -> Floats:
    ranks = np.arange(GRID + 1) / GRID
    return np.unique(np.concatenate([reference.quantiles(ranks), current.quantiles(ranks)]))


def _rank_bound(reference: NumericSketch, current: NumericSketch) -> float:
    # A sample smaller than the grid has every value on it.
    step = 0.0 if max(reference.n, current.n) <= GRID else 1 / GRID
    return reference.rank_error + current.rank_error + step
