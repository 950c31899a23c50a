"""Two-sample chi-squared test on a contingency table, no Yates correction.

X2 = sum over both rows and all cells of (observed - expected)^2 / expected, expected from the pooled shares; cells - 1
degrees of freedom, cells empty in both left out. Not the one-sample test against the reference's shares, which treats
the reference as known. The same as `scipy.stats.chi2_contingency(table, correction=False)`. Source: Pearson (1911).

The statistic grows with the sample, so the effect that thresholds compare is `effect`: Cohen's w with the pooled
shares, sqrt(X2 (1/n + 1/m)) = sqrt(sum of (p - q)^2 / pooled), which does not.
"""

import math

import numpy as np
from scipy.special import chdtrc

from pierhead.statistics.counts import Counts, Floats, absence, occupied, paired_counts, shares
from pierhead.statistics.method import Measured, MethodSpec, unmeasured

METHOD = MethodSpec(
    "chi_squared",
    variant="two-sample contingency, no Yates correction",
    bins="the cells given",
    null="chi-squared with cells - 1 degrees of freedom",
)
EFFECT_METHOD = MethodSpec(
    "chi_squared_effect",
    variant="sqrt(X2 (1/n + 1/m)) of the two-sample contingency test",
    bins="the cells given",
    null="square ~ (1/n + 1/m) chi-squared with cells - 1 degrees of freedom",
)


def of_counts(reference: Counts, current: Counts, method: MethodSpec = METHOD) -> Measured:
    """X2 and its p-value. None when one side is empty; 0 with p = 1 when all lies in one cell."""
    first, second = occupied(*paired_counts(reference, current))
    n, m = int(first.sum()), int(second.sum())
    if reason := absence(n, m):
        return unmeasured(method, reason, n, m)
    statistic = _statistic(first, second)
    return Measured(
        statistic, method, n, m, p_value=float(chdtrc(first.size - 1, statistic)) if first.size > 1 else 1.0
    )


def effect(reference: Counts, current: Counts, method: MethodSpec = EFFECT_METHOD) -> Measured:
    """Cohen's w of the two samples, with the test's p-value. None when one side is empty."""
    test = of_counts(reference, current, method)
    if test.value is None:
        return test
    size = math.sqrt(test.value * (1 / test.n_reference + 1 / test.n_current))
    return Measured(size, method, test.n_reference, test.n_current, p_value=test.p_value)


def _statistic(first: Floats, second: Floats) -> float:
    pooled = shares(first + second)
    gap = shares(first) - shares(second)
    # Algebraically the contingency sum, without its cancellation when the two sizes differ much.
    return float(np.sum(gap**2 / pooled) / (1 / first.sum() + 1 / second.sum()))
