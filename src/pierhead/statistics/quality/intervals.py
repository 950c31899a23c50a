"""Fixed-sample confidence intervals of quality metrics: right for one look at a window, not for watching."""

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from pierhead.statistics.counts import Floats
from pierhead.statistics.sequential.interval import Interval

ALPHA = 0.05
REPLICATES = 1000


def wilson(successes: float, trials: float, alpha: float = ALPHA) -> Interval:
    """Score interval of a proportion, everything in [0, 1] without trials. Source: Wilson (1927).

    >>> wilson(0, 0)
    Interval(lower=0.0, upper=1.0)
    """
    if trials == 0:
        return Interval(0.0, 1.0)
    z = -float(ndtri(alpha / 2))
    share = successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    radius = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At 0 and at 1 the exact end is the share itself, which rounding can miss.
    lower = 0.0 if successes == 0 else max(0.0, middle - radius)
    return Interval(lower, 1.0 if successes == trials else min(1.0, middle + radius))


def normal(estimate: float, standard_error: float, alpha: float = ALPHA) -> Interval:
    """Estimate plus and minus z standard errors."""
    radius = -float(ndtri(alpha / 2)) * standard_error
    return Interval(estimate - radius, estimate + radius)


def mean_interval(losses: Floats, alpha: float = ALPHA) -> Interval | None:
    """Normal interval of a mean of per-row losses; None below two rows."""
    if losses.size < 2:
        return None
    return normal(float(losses.mean()), float(losses.std(ddof=1)) / math.sqrt(losses.size), alpha)


def table_bootstrap(
    table: Floats, metric: Callable[[Floats], float | None], *, seed: int = 0, alpha: float = ALPHA
) -> Interval | None:
    """Percentile interval of a metric of a table of counts, by redrawing its rows 1,000 times with this seed.

    None when the table is empty or the metric has no value in some draw. Source: Efron (1979).
    """
    rows = int(table.sum())
    if rows == 0:
        return None
    generator = np.random.default_rng(seed)
    shares = table.ravel() / rows
    draws = (generator.multinomial(rows, shares).reshape(table.shape) for _ in range(REPLICATES))
    values = [metric(draw.astype(np.float64)) for draw in draws]
    if any(value is None for value in values):
        return None
    lower, upper = np.quantile(np.asarray(values, dtype=np.float64), [alpha / 2, 1 - alpha / 2])
    return Interval(float(lower), float(upper))
