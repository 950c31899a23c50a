"""Anytime-valid comparison of two models on the same requests, as a shadow gives it."""

import math

from pierhead.statistics.sequential import means, proportions
from pierhead.statistics.sequential.arms import Poisson
from pierhead.statistics.sequential.checks import check_alpha, check_share, check_whole
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.limits import highest_difference, lowest_difference
from pierhead.statistics.sequential.means import Moments
from pierhead.statistics.sequential.normal_mixture import tuned_rho

BEST_AT = 1000


def disagreement(disagreed: int, pairs: int, alpha: float, *, best_at: int = BEST_AT) -> Interval:
    """Give the share of requests on which the two models differ, exactly. Raises ValueError."""
    return proportions.interval(disagreed, pairs, alpha, best_at=best_at)


def mean_difference(differences: Moments, alpha: float, *, best_at: int = BEST_AT) -> Interval:
    """Give the mean of the differences per pair (candidate minus champion), as `means.asymptotic_interval` does."""
    return means.asymptotic_interval(differences, alpha, best_at=best_at)


def accuracy_difference(gained: int, lost: int, pairs: int, alpha: float, *, best_at: int = BEST_AT) -> Interval:
    """Give the candidate's accuracy minus the champion's, from the pairs where only one was right.

    `gained` counts pairs where only the candidate was right, `lost` where only the champion was: a sequential relative
    of McNemar's test (1947), for the difference itself. Exact. Raises ValueError.
    """
    check_alpha(alpha)
    check_share(gained + lost, pairs)
    check_share(gained, gained + lost)
    check_whole(gained, lost, pairs)
    if pairs == 0:
        return Interval(-1.0, 1.0)
    level = math.log(1.0 / alpha)
    rho = tuned_rho(best_at)
    down, up = Poisson(lost, pairs, rho), Poisson(gained, pairs, rho)
    lower, upper = lowest_difference(down, up, level), highest_difference(down, up, level)
    return Interval(max(-1.0, lower), min(1.0, upper))
