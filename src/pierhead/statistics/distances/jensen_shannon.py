"""Jensen-Shannon distance, base 2.

The square root of the Jensen-Shannon divergence JSD = KL(p || m) / 2 + KL(q || m) / 2, m = (p + q) / 2, logarithms to
base 2, so the distance lies in [0, 1] and is a metric. No epsilon: m is positive wherever p or q is. The same as
`scipy.spatial.distance.jensenshannon(p, q, base=2)`. Source: Lin (1991); Endres & Schindelin (2003).
"""

import math

import numpy as np
from scipy.special import rel_entr

from pierhead.statistics.counts import Counts, Floats, absence, occupied, paired_counts, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

METHOD = MethodSpec(
    "jensen_shannon",
    variant="distance (square root of the divergence)",
    bins="the cells given",
    base=2.0,
    null="divergence ~ (1/n + 1/m) chi-squared / (8 ln 2); sparse cells: parametric bootstrap",
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
    middle = (p + q) / 2
    nats = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1) / 2
    # Rounding can leave a tiny negative number where the two are equal.
    return np.asarray(np.sqrt(np.maximum(nats, 0.0) / math.log(2)))
