"""Two-sample Kolmogorov-Smirnov test.

D = the largest |F(x) - G(x)| over all x, F and G the empirical distribution functions; two-sided. The p-value is that
of one sample of the rounded size n m / (n + m) (`scipy.stats.ks_2samp(method="asymp")`), above size 1,000
Kolmogorov's limit; both are conservative with ties.
Source: Smirnov (1939); Simard & L'Ecuyer (2011) for the distribution.

From counts on shared edges only the borders are compared: D is then a lower bound of the samples' D, and the p-value
an upper bound of theirs.
"""

import numpy as np

from pierhead.statistics.counts import Counts, Samples, absence, paired_counts, samples, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured
from pierhead.statistics.smirnov import Smirnov

METHOD = MethodSpec("ks", variant="two-sample, two-sided, asymptotic p", null="Smirnov")
COUNTS_METHOD = MethodSpec("ks", METHOD.variant, bins="the cells given, borders only", null="Smirnov")


def of_samples(reference: Samples, current: Samples) -> Measured:
    """D and p of two samples; NaN is left out, infinities are values. None when one has no values."""
    first, second = samples(reference), samples(current)
    n, m = first.size, second.size
    if reason := absence(n, m):
        return unmeasured(METHOD, reason, n, m)
    points = np.concatenate([first, second])
    gaps = np.searchsorted(first, points, side="right") / n - np.searchsorted(second, points, side="right") / m
    distance = float(np.abs(gaps).max())
    return Measured(distance, METHOD, n, m, p_value=Smirnov(n, m).p_value(distance))


def of_counts(reference: Counts, current: Counts, method: MethodSpec = COUNTS_METHOD) -> Measured:
    """D over the borders of ordered cells, and its p. None when one side is empty."""
    first, second = paired_counts(reference, current)
    n, m = int(first.sum()), int(second.sum())
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    distance = float(np.abs(np.cumsum(shares(first)) - np.cumsum(shares(second))).max())
    return Measured(distance, method, n, m, p_value=Smirnov(n, m).p_value(distance))
