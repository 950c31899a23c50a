"""The gamma-exponential mixture boundary, for sums whose values have one bounded (or exponential) tail.

Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49(2), 2021, proposition 9. `c` is the scale of the
sub-exponential tail, in units of the values; `v` and `rho` as in `normal_mixture`.
"""

import math

from scipy.optimize import brentq
from scipy.special import gammainc

from pierhead.statistics.sequential.checks import check_alpha, check_positive
from pierhead.statistics.sequential.normal_mixture import TUNED_ALPHA, one_sided_rho, two_sided_bound


def log_mixture(s: float, v: float, rho: float, c: float) -> float:
    """Log of the mixture supermartingale at sum `s >= 0`: evidence for a mean above 0, in nats."""
    prior = rho / c**2
    posterior = (v + rho) / c**2
    tilt = (c * s + v + rho) / c**2
    return (
        _log_lower_tail(posterior, tilt)
        - posterior * math.log(tilt)
        - _log_lower_tail(prior, prior)
        + prior * math.log(prior)
        + tilt
        - prior
    )


def bound(v: float, alpha: float, *, v_opt: float, c: float, alpha_opt: float = TUNED_ALPHA) -> float:
    """What the sum exceeds at some time with chance at most `alpha`; tightest near intrinsic time `v_opt`.

    >>> round(bound(100, 0.05, v_opt=100, c=2), 5)
    33.02017
    """
    check_alpha(alpha)
    check_positive("c", c)
    rho = one_sided_rho(v_opt, alpha_opt)
    level = math.log(1.0 / alpha)
    highest = two_sided_bound(v, alpha, rho)
    while log_mixture(highest, v, rho, c) < level:
        highest *= 2.0
    return float(brentq(lambda s: log_mixture(s, v, rho, c) - level, 0.0, highest, xtol=1e-10 * highest))


def _log_lower_tail(shape: float, at: float) -> float:
    """Log of the lower incomplete gamma function, not normalised."""
    return math.lgamma(shape) + math.log(float(gammainc(shape, at)))
