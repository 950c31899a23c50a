"""Anytime-valid intervals for means of any values, from their moments; right once the central limit theorem is.

Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory and asymptotic confidence sequences,
Annals of Statistics 2024, theorem 2.2: the normal mixture of the estimated variance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pierhead.statistics.sequential.checks import check_alpha
from pierhead.statistics.sequential.interval import Interval
from pierhead.statistics.sequential.normal_mixture import tuned_rho, two_sided_bound

BEST_AT = 1000
# The guarantee holds for late looks; an estimated variance of fewer values would break it.
LEAST_VALUES = 30


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations from the mean: all that a mean's interval needs."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.floating]) -> "Moments":
        """Take the moments of a row of finite values. Raises ValueError."""
        row = np.asarray(values, dtype=np.float64)
        if row.size == 0:
            return cls()
        mean = float(row.mean())
        if not math.isfinite(mean):
            raise ValueError("values must be finite")
        return cls(int(row.size), mean, float(np.square(row - mean).sum()))

    @property
    def variance(self) -> float:
        """Sample variance; nan below two values."""
        return self.m2 / (self.n - 1) if self.n > 1 else math.nan

    def add(self, value: float) -> "Moments":
        """Count one more value (Welford 1962)."""
        n = self.n + 1
        away = value - self.mean
        mean = self.mean + away / n
        return Moments(n, mean, self.m2 + away * (value - mean))

    def merge(self, other: "Moments") -> "Moments":
        """Give the moments of both samples together (Chan, Golub, LeVeque 1979)."""
        n = self.n + other.n
        if n == 0:
            return self
        away = other.mean - self.mean
        mean = self.mean + away * other.n / n
        return Moments(n, mean, self.m2 + other.m2 + away * away * self.n * other.n / n)


def asymptotic_interval(moments: Moments, alpha: float, *, best_at: int = BEST_AT) -> Interval:
    """Give the means that the values do not exclude, at any time with error at most `alpha`.

    Everything below 30 values; a point if all values are equal. `best_at` is the number of values at which it is
    narrowest: a constant, chosen before the first look. Raises ValueError.
    """
    check_alpha(alpha)
    if moments.n < LEAST_VALUES:
        return Interval.everything()
    radius = math.sqrt(moments.variance) * two_sided_bound(moments.n, alpha, tuned_rho(best_at)) / moments.n
    return Interval(moments.mean - radius, moments.mean + radius)


def difference(a: Moments, b: Moments, alpha: float, *, best_at: int = BEST_AT) -> Interval:
    """Give what mean `b` minus mean `a` may be, at any time with error at most `alpha`.

    Arms may differ in size and variance and their shares may change on the way: at information 1 / (variance of the
    difference) the score is a Brownian motion (Jennison, Turnbull, Group sequential methods, 1999, ch. 11), whose
    boundary this is. Everything if an arm has fewer than 30 values. Raises ValueError.
    """
    check_alpha(alpha)
    if min(a.n, b.n) < LEAST_VALUES:
        return Interval.everything()
    estimate = b.mean - a.mean
    spread, values = joint_spread(a, b)
    if spread == 0.0:
        return Interval(estimate, estimate)
    radius = spread * two_sided_bound(values, alpha, tuned_rho(best_at)) / values
    return Interval(estimate - radius, estimate + radius)


def joint_spread(a: Moments, b: Moments) -> tuple[float, float]:
    """Give the standard deviation of one value's difference, and how many values per arm the two samples are worth."""
    both = a.variance + b.variance
    if both == 0.0:
        return 0.0, float(min(a.n, b.n))
    return math.sqrt(both), both / (a.variance / a.n + b.variance / b.n)
