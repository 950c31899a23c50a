"""Total variation distance.

TV = sum of |p - q| / 2, in [0, 1]: the largest difference of probability that any set of cells can have. No logarithm,
no epsilon.
"""

import numpy as np

from pierhead.statistics.counts import Counts, absence, occupied, paired_counts, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

METHOD = MethodSpec(
    "total_variation",
    variant="half the sum of |p - q|",
    bins="the cells given",
    null="Gaussian concentration around the mean of the limit (an upper bound)",
)


def of_counts(reference: Counts, current: Counts, method: MethodSpec = METHOD) -> Measured:
    """Distance of two counts over the same cells. None when one of them is empty."""
    first, second = occupied(*paired_counts(reference, current))
    n, m = int(first.sum()), int(second.sum())
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    return Measured(float(np.abs(shares(first) - shares(second)).sum()) / 2, method, n, m)
