"""Anytime-valid intervals for quantiles, from histograms: latency p50 to p99.

Howard, Ramdas: Sequential estimation of quantiles with applications to A/B testing and best-arm identification,
Bernoulli 28(3), 2022, theorem 1 with the beta-binomial mixture: whether a value lies below the quantile is a draw of
known chance q, so the number of such values stays within limits; the bins in which those limits fall are the answer.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import psi

from pierhead.statistics.sequential.checks import check_alpha, checked_histogram
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.normal_mixture import tuned_rho
from pierhead.statistics.sequential.urn import log_urn

BEST_AT = 1000
STEPS = 50


def quantile_interval(
    counts: NDArray[np.integer], edges: NDArray[np.floating], q: float, alpha: float, *, best_at: int = BEST_AT
) -> Interval:
    """Give where quantile `q` may be, at any time with error at most `alpha`, in units of `edges`.

    Bin i counts the values from `edges[i]` to `edges[i + 1]`; the first and last edge may be infinite. Conservative:
    from the lower edge of the lowest bin to the upper edge of the highest. Raises ValueError.
    """
    check_alpha(alpha)
    if not 0.0 < q < 1.0:
        raise ValueError(f"q is {q}, must be between 0 and 1")
    checked_histogram(counts, edges.size - 1)
    until = np.cumsum(counts)
    fewest, most = count_limits(int(until[-1]), q, alpha, best_at)
    first = int(np.searchsorted(until, fewest, side="right"))
    last = int(np.searchsorted(until, most, side="left"))
    return Interval(float(edges[first]), float(edges[min(last, counts.size - 1) + 1]))


def difference(
    counts_a: NDArray[np.integer],
    counts_b: NDArray[np.integer],
    edges: NDArray[np.floating],
    q: float,
    alpha: float,
    *,
    best_at: int = BEST_AT,
) -> Interval:
    """Give what the quantile of `b` minus that of `a` may be; half of `alpha` goes to each. Raises ValueError."""
    a = quantile_interval(counts_a, edges, q, alpha / 2.0, best_at=best_at)
    b = quantile_interval(counts_b, edges, q, alpha / 2.0, best_at=best_at)
    return Interval(b.lower - a.upper, b.upper - a.lower)


def ratio(
    counts_a: NDArray[np.integer],
    counts_b: NDArray[np.integer],
    edges: NDArray[np.floating],
    q: float,
    alpha: float,
    *,
    best_at: int = BEST_AT,
) -> Interval:
    """Give what the quantile of `b` over that of `a` may be, for edges not below 0. Raises ValueError."""
    if edges[0] < 0.0:
        raise ValueError(f"a ratio needs edges not below 0, the first is {edges[0]}")
    a = quantile_interval(counts_a, edges, q, alpha / 2.0, best_at=best_at)
    b = quantile_interval(counts_b, edges, q, alpha / 2.0, best_at=best_at)
    lower = b.lower / a.upper if a.upper > 0.0 and b.lower < math.inf else 0.0
    return Interval(lower, b.upper / a.lower if a.lower > 0.0 else math.inf)


@lru_cache(maxsize=4096)
def count_limits(n: int, q: float, alpha: float, best_at: int) -> tuple[float, float]:
    """Between which two numbers (both excluded) the count of `n` draws of chance `q` stays at all times.

    -1 and n + 1 where there is no limit yet.
    """
    level = math.log(1.0 / alpha)
    rho = tuned_rho(best_at)
    fewest = _fewest(n, q, level, rho)
    return fewest, n - _fewest(n, 1.0 - q, level, rho)


def _fewest(n: int, q: float, level: float, rho: float) -> float:
    """The count below n * q at which evidence against chance `q` reaches `level`, or -1.

    Newton's steps on a convex function, from the outside: every step is conservative.
    """
    below, above, common = rho * q, rho * (1.0 - q), log_urn(rho, n)
    if _evidence(0.0, n, below, above) - common < level:
        return -1.0
    count = 0.0
    for _ in range(STEPS):
        slope = float(psi(below + count) - psi(above + n - count)) - math.log(below / above)
        step = (level + common - _evidence(count, n, below, above)) / slope
        count += step
        if step <= 1e-6:
            break
    return count


def _evidence(count: float, n: int, below: float, above: float) -> float:
    # log_urn of a fractional count, without its exact zero at 1: the function of the count must be smooth here.
    seen = math.lgamma(below + count) - math.lgamma(below) - count * math.log(below)
    rest = n - count
    return seen + math.lgamma(above + rest) - math.lgamma(above) - rest * math.log(above)
