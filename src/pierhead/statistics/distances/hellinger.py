"""Hellinger distance.

H = sqrt(sum of (sqrt(p) - sqrt(q))^2) / sqrt(2), in [0, 1], a metric. No logarithm, no epsilon. Source: Hellinger
(1909); Beran (1977).
"""

import numpy as np

from pierhead.statistics.counts import Counts, Floats, absence, occupied, paired_counts, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

METHOD = MethodSpec(
    "hellinger",
    variant="distance, in [0, 1]",
    bins="the cells given",
    null="square ~ (1/n + 1/m) chi-squared / 8; sparse cells: parametric bootstrap",
)


def of_counts(reference: Counts, current: Counts, method: MethodSpec = METHOD) -> Measured:
    """Distance of two counts over the same cells. None when one of them is empty."""
    first, second = occupied(*paired_counts(reference, current))
    n, m = int(first.sum()), int(second.sum())
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    return Measured(float(of_shares(shares(first), shares(second))), method, n, m)


def of_shares(p: Floats, q: Floats) -> Floats:
    """Distance along the last axis."""
    return np.asarray(np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=-1) / 2))
