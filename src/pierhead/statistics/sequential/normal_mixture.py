"""Normal-mixture boundaries: the line a sum of centred sub-Gaussian values crosses with chance alpha, ever.

Howard, Ramdas, McAuliffe, Sekhon: Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of Statistics
49(2), 2021, propositions 5 and 6; Robbins 1970. `v` is intrinsic time: the variance summed so far, in squared units of
the values. `rho` (same unit) says where the boundary is tightest and must be chosen before the first look.
"""

import math
from functools import lru_cache

from scipy.optimize import brentq
from scipy.special import log_ndtr

from pierhead.statistics.sequential.checks import check_alpha, check_positive

# The level for which `tuned_rho` is best. One level for all keeps p-values and intervals of one test in agreement.
TUNED_ALPHA = 0.05


@lru_cache(maxsize=256)
def two_sided_rho(v: float, alpha: float) -> float:
    """The `rho` whose two-sided boundary is (nearly) tightest at intrinsic time `v`.

    >>> round(two_sided_rho(100, 0.05), 5)
    12.60056
    """
    check_positive("v", v)
    check_alpha(alpha)
    level = 2.0 * math.log(1.0 / alpha)
    return v / (level + math.log1p(level))


@lru_cache(maxsize=256)
def tuned_rho(best_at: float) -> float:
    """The `rho` of an interval that is narrowest after `best_at` values of variance one."""
    check_positive("best_at", best_at)
    return two_sided_rho(best_at, TUNED_ALPHA)


def log_mixture(s: float, v: float, rho: float) -> float:
    """Log of the two-sided mixture supermartingale at sum `s`: evidence against mean 0, in nats.

    >>> round(log_mixture(10, 100, two_sided_rho(100, 0.05)), 7)
    -0.6510052
    """
    return 0.5 * math.log(rho / (v + rho)) + s * s / (2.0 * (v + rho))


def two_sided_bound(v: float, alpha: float, rho: float) -> float:
    """What the sum's absolute value exceeds at some time with chance at most `alpha`.

    >>> round(two_sided_bound(100, 0.05, two_sided_rho(100, 0.05)), 5)
    30.35209
    """
    check_alpha(alpha)
    check_positive("rho", rho)
    return math.sqrt((v + rho) * (math.log1p(v / rho) + 2.0 * math.log(1.0 / alpha)))


def one_sided_rho(v: float, alpha: float) -> float:
    """The `rho` for a one-sided boundary: the two-sided one of twice the level (`alpha` below 0.5)."""
    return two_sided_rho(v, 2.0 * alpha)


def one_sided_log_mixture(s: float, v: float, rho: float) -> float:
    """Log of the one-sided mixture supermartingale: evidence for a mean above 0, in nats."""
    scale = v + rho
    return 0.5 * math.log(4.0 * rho / scale) + s * s / (2.0 * scale) + float(log_ndtr(s / math.sqrt(scale)))


def one_sided_bound(v: float, alpha: float, rho: float) -> float:
    """What the sum exceeds at some time with chance at most `alpha`.

    >>> round(one_sided_bound(100, 0.05, one_sided_rho(100, 0.05)), 5)
    27.66071
    """
    # The two-sided boundary of the same rho lies above: its mixture has half the mass on the wrong side.
    highest = two_sided_bound(v, alpha, rho)
    level = math.log(1.0 / alpha)
    return float(brentq(lambda s: one_sided_log_mixture(s, v, rho) - level, 0.0, highest, xtol=1e-10 * highest))
