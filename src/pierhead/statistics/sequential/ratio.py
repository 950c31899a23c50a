"""Sample-ratio mismatch: did each route get the share of units that it was to get?"""

import math
from collections.abc import Sequence

from scipy.special import chdtrc

from pierhead.statistics.sequential.normal_mixture import two_sided_rho
from pierhead.statistics.sequential.urn import log_urn

BEST_AT = 10_000
# The level at which experimenters raise this alarm (Kohavi, Tang, Xu 2020, ch. 21).
USUAL_ALPHA = 0.001


def chi_square(counts: Sequence[int], weights: Sequence[float]) -> float:
    """Pearson's statistic of `counts` against shares in proportion to `weights`; 0 without counts. Raises ValueError.

    >>> round(chi_square([821588, 815482], [1, 1]), 3)
    22.774
    """
    shares = _shares(counts, weights)
    total = sum(counts)
    if total == 0:
        return 0.0
    return sum((count - total * share) ** 2 / (total * share) for count, share in zip(counts, shares, strict=True))


def srm_p(counts: Sequence[int], weights: Sequence[float]) -> float:
    """The chi-square p-value, for ONE look at the end. Kohavi, Tang, Xu 2020, ch. 21. Raises ValueError.

    >>> f"{srm_p([821588, 815482], [1, 1]):.2e}"
    '1.82e-06'
    """
    return float(chdtrc(len(counts) - 1, chi_square(counts, weights)))


def log_e_value(counts: Sequence[int], weights: Sequence[float], *, best_at: int = BEST_AT) -> float:
    """Evidence against shares in proportion to `weights`, in nats, good at every look.

    Lindon, Malek: Anytime-valid inference for multinomial count data, NeurIPS 2022: the Bayes factor of a Dirichlet
    prior around the shares, sharpest after about `best_at` units. Where weights change, count each step for itself and
    add up the steps' values. Raises ValueError.
    """
    shares = _shares(counts, weights)
    weight = two_sided_rho(best_at, USUAL_ALPHA)
    drawn = sum(log_urn(weight * share, count) for count, share in zip(counts, shares, strict=True))
    return drawn - log_urn(weight, sum(counts))


def p_of(log_e: float) -> float:
    """The always-valid p-value of evidence in nats (Ville's inequality).

    >>> round(p_of(math.log(20)), 12)
    0.05
    """
    return math.exp(-max(0.0, log_e))


def sequential_srm_p(counts: Sequence[int], weights: Sequence[float], *, best_at: int = BEST_AT) -> float:
    """The always-valid p-value of the sample ratio: look as often as you like. Raises ValueError."""
    return p_of(log_e_value(counts, weights, best_at=best_at))


def _shares(counts: Sequence[int], weights: Sequence[float]) -> list[float]:
    if len(counts) != len(weights) or len(counts) < 2:
        raise ValueError(f"{len(counts)} counts and {len(weights)} weights: must be as many, at least two")
    if min(counts) < 0:
        raise ValueError(f"a count is {min(counts)}, must not be below 0")
    total = math.fsum(weights)
    if not min(weights) > 0.0 or not total < math.inf:
        raise ValueError(f"weights are {list(weights)}, must all be above 0")
    return [weight / total for weight in weights]
