"""A Bayesian view of two shares, for people to look at: looking often makes it wrong, so no gate uses it."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from pierhead.statistics.sequential.checks import check_positive, check_share

# Gauss-Legendre nodes over so many standard deviations: enough for the exponential tail of a share next to 0 or 1.
NODES = 256
REACH = 30.0


@dataclass(frozen=True, slots=True)
class BetaComparison:
    """How likely b's share is above a's, and the share given away on average by choosing the one or the other."""

    probability_b_better: float
    expected_loss_a: float
    expected_loss_b: float


def compare(k_a: int, n_a: int, k_b: int, n_b: int, *, prior: tuple[float, float] = (1.0, 1.0)) -> BetaComparison:
    """Compare `k_a` of `n_a` with `k_b` of `n_b` under independent beta priors. Raises ValueError.

    >>> round(compare(940, 1000, 912, 1000).probability_b_better, 5)
    0.00843
    """
    check_share(k_a, n_a)
    check_share(k_b, n_b)
    check_positive("prior", prior[0])
    check_positive("prior", prior[1])
    a = (k_a + prior[0], n_a - k_a + prior[1])
    b = (k_b + prior[0], n_b - k_b + prior[1])
    # x * beta(x; s, f) is its mean times beta(x; s + 1, f): E[(B - A) when B > A] needs two more such chances.
    raised_a, raised_b = (a[0] + 1.0, a[1]), (b[0] + 1.0, b[1])
    mean_a, mean_b = a[0] / sum(a), b[0] / sum(b)
    better = _chance_above(b, a)
    gain_b = mean_b * _chance_above(raised_b, a) - mean_a * _chance_above(b, raised_a)
    return BetaComparison(better, max(0.0, gain_b), max(0.0, gain_b - (mean_b - mean_a)))


def _chance_above(upper: tuple[float, float], lower: tuple[float, float]) -> float:
    """Chance that a draw of the first beta distribution is above one of the second: both are (successes, failures)."""
    # The density of the narrower against the distribution function of the wider: both are smooth over the nodes.
    if _spread(lower) < _spread(upper):
        return 1.0 - _chance_above(lower, upper)
    s, f = upper
    mean, reach = s / (s + f), REACH * _spread(upper)
    start, stop = max(0.0, mean - reach), min(1.0, mean + reach)
    nodes, weights = _nodes()
    x = start + (stop - start) * nodes
    log_density = (
        (s - 1.0) * np.log(x) + (f - 1.0) * np.log1p(-x) + math.lgamma(s + f) - math.lgamma(s) - math.lgamma(f)
    )
    return min(1.0, float((stop - start) * np.sum(weights * np.exp(log_density) * betainc(*lower, x))))


def _spread(beta: tuple[float, float]) -> float:
    s, f = beta
    return math.sqrt(s * f / (s + f + 1.0)) / (s + f)


@lru_cache(maxsize=1)
def _nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return (nodes + 1.0) / 2.0, weights / 2.0
