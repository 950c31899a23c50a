"""Always-valid p-values by the mixture sequential probability ratio test.

Johari, Koomen, Pekelis, Walsh: Always valid inference: continuous monitoring of A/B tests, Operations Research 70(3),
2022.
"""

import math

from pierhead.statistics.sequential.checks import check_positive
from pierhead.statistics.sequential.means import BEST_AT, LEAST_VALUES, Moments, joint_spread
from pierhead.statistics.sequential.normal_mixture import log_mixture, tuned_rho


def p_value(estimate: float, variance: float, *, tau2: float, previous: float = 1.0) -> float:
    """Give the p-value of "the effect is 0" after this look.

    `variance` is that of the estimate (its squared standard error), `tau2` the variance of the effects expected, chosen
    before the first look; `previous` is the p-value of the look before, which a p-value never exceeds. Raises
    ValueError.
    """
    check_positive("variance", variance)
    check_positive("tau2", tau2)
    # In units of the estimate's information: S = estimate / variance, V = 1 / variance, rho = 1 / tau2.
    return _p(log_mixture(estimate / variance, 1.0 / variance, 1.0 / tau2), previous)


def difference_p(
    a: Moments, b: Moments, *, margin: float = 0.0, best_at: int = BEST_AT, previous: float = 1.0
) -> float:
    """Give the p-value of "mean `b` minus mean `a` is `margin`" after this look.

    It is below alpha just when `means.difference` at alpha excludes the margin; `previous` while an arm has fewer than
    30 values. Raises ValueError.
    """
    if min(a.n, b.n) < LEAST_VALUES:
        return previous
    away = b.mean - a.mean - margin
    spread, values = joint_spread(a, b)
    if spread == 0.0:
        return previous if away == 0.0 else 0.0
    return _p(log_mixture(values * away / spread, values, tuned_rho(best_at)), previous)


def _p(log_e: float, previous: float) -> float:
    if not 0.0 <= previous <= 1.0:
        raise ValueError(f"previous p-value is {previous}, must be between 0 and 1")
    return min(previous, math.exp(-max(0.0, log_e)))
