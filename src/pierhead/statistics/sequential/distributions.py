"""Anytime-valid interval for how far two distributions are apart, from histograms on the same edges.

A time-uniform inequality of the Dvoretzky-Kiefer-Wolfowitz kind for two samples. Howard and Ramdas (Bernoulli 28(3),
2022, theorem 2) bound the distance everywhere at once; at the inner edges of a histogram alone, sharing the level among
them, the normal mixture of a sub-Gaussian share (variance at most 1/4) is closer: half as wide at 1,000 values an arm
and 20 bins.
"""

import math

import numpy as np
from numpy.typing import NDArray

from pierhead.statistics.sequential.checks import check_alpha, checked_histogram
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.normal_mixture import tuned_rho

BEST_AT = 1000
LARGEST_VARIANCE = 0.25


def ks_interval(
    counts_a: NDArray[np.integer], counts_b: NDArray[np.integer], alpha: float, *, best_at: int = BEST_AT
) -> Interval:
    """Give what the largest distance of the two distribution functions at an edge may be, with error at most `alpha`.

    Valid at any time, for arms of any and changing sizes. [0, 1] while an arm is empty. Raises ValueError if the
    histograms differ in bins or have fewer than two.
    """
    check_alpha(alpha)
    checked_histogram(counts_a)
    checked_histogram(counts_b, counts_a.size)
    inner = counts_a.size - 1
    if inner == 0:
        raise ValueError("a histogram of one bin has no inner edge to compare at")
    until_a, until_b = np.cumsum(counts_a), np.cumsum(counts_b)
    n_a, n_b = int(until_a[-1]), int(until_b[-1])
    if n_a == 0 or n_b == 0:
        return Interval(0.0, 1.0)
    apart = float(np.abs(until_a / n_a - until_b / n_b).max())
    radius = share_radius(n_a, n_b, alpha / inner, best_at)
    return Interval(max(0.0, apart - radius), min(1.0, apart + radius))


def share_radius(n_a: int, n_b: int, alpha: float, best_at: int) -> float:
    """How far the difference of two observed shares is from the true one at most, at any time with error `alpha`.

    The evidences of both arms against a pair of shares (normal mixtures) add up; of all pairs with one difference the
    nearest counts, which is the sum of squares over the sum of variances.
    """
    rho = tuned_rho(best_at)
    level = math.log(1.0 / alpha) + 0.5 * (math.log1p(n_a / rho) + math.log1p(n_b / rho))
    variance = LARGEST_VARIANCE * ((1.0 + rho / n_a) / n_a + (1.0 + rho / n_b) / n_b)
    return math.sqrt(2.0 * level * variance)
