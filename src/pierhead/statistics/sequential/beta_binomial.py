"""The beta-binomial mixture boundary, for sums of centred values between `-g` and `h` (sub-Bernoulli).

Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49(2), 2021, propositions 7 and 8. `v` is `g * h` times the
number of values.
"""

import math

from scipy.optimize import brentq
from scipy.special import betainc

from pierhead.statistics.sequential.checks import check_alpha, check_positive
from pierhead.statistics.sequential.normal_mixture import TUNED_ALPHA, one_sided_rho, two_sided_rho


def log_mixture(s: float, v: float, r: float, g: float, h: float, *, one_sided: bool = False) -> float:
    """Log of the mixture supermartingale at sum `s`: evidence against mean 0 (or for one above it), in nats.

    `r` is the prior's weight in intrinsic time. The sum lies between `-v / h` and `v / g`.
    """
    span = g + h
    split = h / span if one_sided else 1.0
    posterior = _log_incomplete_beta((r + v - g * s) / (g * span), (r + v + h * s) / (h * span), split)
    return (
        v / (g * h) * math.log(span)
        - (v + h * s) / (h * span) * math.log(g)
        - (v - g * s) / (g * span) * math.log(h)
        + posterior
        - _log_incomplete_beta(r / (g * span), r / (h * span), split)
    )


def prior_weight(v_opt: float, alpha_opt: float, g: float, h: float, *, one_sided: bool = False) -> float:
    """The `r` whose boundary is (nearly) tightest at intrinsic time `v_opt`; never 0."""
    rho = one_sided_rho(v_opt, alpha_opt) if one_sided else two_sided_rho(v_opt, alpha_opt)
    return max(rho - g * h, 1e-3 * g * h)


def bound(
    v: float,
    alpha: float,
    *,
    v_opt: float,
    g: float,
    h: float,
    alpha_opt: float = TUNED_ALPHA,
    one_sided: bool = False,
) -> float:
    """What the sum exceeds at some time with chance at most `alpha`: `v / g`, its largest value, if it cannot.

    >>> round(bound(100, 0.05, v_opt=100, g=0.2, h=0.8), 4)
    31.4308
    """
    check_alpha(alpha)
    check_positive("v", v)
    check_positive("g", g)
    check_positive("h", h)
    r = prior_weight(v_opt, alpha_opt, g, h, one_sided=one_sided)
    level = math.log(1.0 / alpha)
    largest = v / g
    if log_mixture(largest, v, r, g, h, one_sided=one_sided) < level:
        return largest
    return float(
        brentq(lambda s: log_mixture(s, v, r, g, h, one_sided=one_sided) - level, 0.0, largest, xtol=1e-10 * largest)
    )


def _log_incomplete_beta(a: float, b: float, x: float) -> float:
    complete = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return complete if x == 1.0 else complete + math.log(float(betainc(a, b, x)))
