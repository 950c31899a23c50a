"""L-infinity distance: the largest difference of one cell's share, max |p - q|, in [0, 1]. No epsilon."""

import numpy as np

from pierhead.statistics.counts import Counts, absence, occupied, paired_counts, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

METHOD = MethodSpec(
    "l_infinity",
    variant="largest |p - q| of a cell",
    bins="the cells given",
    null="union bound over the cells' normal limits (an upper bound)",
)


def of_counts(reference: Counts, current: Counts, method: MethodSpec = METHOD) -> Measured:
    """Distance of two counts over the same cells. None when one of them is empty."""
    first, second = occupied(*paired_counts(reference, current))
    n, m = int(first.sum()), int(second.sum())
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    return Measured(float(np.abs(shares(first) - shares(second)).max()), method, n, m)
