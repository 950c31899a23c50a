"""Anytime-valid intervals for shares: error rates, agreement, accuracy. Exact at any sample size."""

import math

from pierhead.statistics.sequential.arms import Bernoulli
from pierhead.statistics.sequential.checks import check_alpha, check_share, check_whole
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.limits import highest_difference, least_evidence, lowest, lowest_difference
from pierhead.statistics.sequential.normal_mixture import tuned_rho

BEST_AT = 1000


def interval(successes: float, trials: int, alpha: float, *, best_at: int = BEST_AT) -> Interval:
    """Give the chances that `successes` of `trials` do not exclude, at any time with error at most `alpha`.

    Exact for outcomes 0 and 1 and for sums of values between 0 and 1 (which are sub-Bernoulli). `best_at` is the number
    of trials at which the interval is narrowest: a constant, chosen before the first look. A beta-binomial mixture
    (Howard, Ramdas, McAuliffe, Sekhon 2021, proposition 7). Raises ValueError.

    >>> round(interval(0, 1000, 0.05).upper, 6)
    0.00413
    """
    check_alpha(alpha)
    check_share(successes, trials)
    if trials == 0:
        return Interval(0.0, 1.0)
    level = math.log(1.0 / alpha)
    rho = tuned_rho(best_at)
    lower = lowest(Bernoulli(successes, trials, rho), level)
    upper = 1.0 - lowest(Bernoulli(trials - successes, trials, rho), level)
    return Interval(lower, upper)


def difference(
    k1: int, n1: int, k2: int, n2: int, alpha: float, *, best_at: tuple[int, int] = (BEST_AT, BEST_AT)
) -> Interval:
    """Give what the second arm's chance minus the first's may be, at any time with error at most `alpha`.

    Exact for independent arms of any and changing sizes: the evidences of both arms add up, and the set of pairs of
    chances that the sum does not exclude is projected on their difference. Raises ValueError.
    """
    check_alpha(alpha)
    _check_arms(k1, n1, k2, n2)
    if n1 == 0 or n2 == 0:
        return _with_empty_arm(k1, n1, k2, n2, alpha, best_at)
    level = math.log(1.0 / alpha)
    first, second = Bernoulli(k1, n1, tuned_rho(best_at[0])), Bernoulli(k2, n2, tuned_rho(best_at[1]))
    return Interval(lowest_difference(first, second, level), highest_difference(first, second, level))


def difference_p(
    k1: int, n1: int, k2: int, n2: int, *, margin: float = 0.0, best_at: tuple[int, int] = (BEST_AT, BEST_AT)
) -> float:
    """Give the always-valid p-value of "the second chance minus the first is `margin`".

    It is below alpha just when `difference` at alpha excludes the margin. Raises ValueError.
    """
    _check_arms(k1, n1, k2, n2)
    if not -1.0 < margin < 1.0:
        raise ValueError(f"margin is {margin}, must be between -1 and 1")
    if n1 == 0 or n2 == 0:
        return 1.0
    first, second = Bernoulli(k1, n1, tuned_rho(best_at[0])), Bernoulli(k2, n2, tuned_rho(best_at[1]))
    pair = least_evidence(first, second, margin, first.estimate)
    return math.exp(-max(0.0, pair.evidence))


def _with_empty_arm(k1: int, n1: int, k2: int, n2: int, alpha: float, best_at: tuple[int, int]) -> Interval:
    first = interval(k1, n1, alpha, best_at=best_at[0])
    second = interval(k2, n2, alpha, best_at=best_at[1])
    return Interval(second.lower - first.upper, second.upper - first.lower)


def _check_arms(k1: int, n1: int, k2: int, n2: int) -> None:
    check_share(k1, n1)
    check_share(k2, n2)
    check_whole(k1, n1, k2, n2)
