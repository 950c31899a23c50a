"""How large each statistic gets when nothing drifts.

Two samples of n (reference) and m (current) values from one distribution still differ. For every statistic there is
here its distribution under no drift, as a `Null`: `bound(alpha)` is exceeded with probability alpha (at most, where
`formula` says "upper bound"), `p_value(x)` is the probability to see x or more; x > bound(alpha) exactly when
p_value(x) < alpha, for alpha below one half.

With f = 1/n + 1/m, B occupied cells and pooled shares p:
- PSI ~ f X, Jensen-Shannon divergence (bits) ~ f X / (8 ln 2), squared Hellinger ~ f X / 8, X2 ~ X, w^2 ~ f X, X being
  chi-squared with B - 1 degrees: all are Pearson's X2 to second order. The first three are widened by 1 + 2/e, e the
  smallest expected count of a cell, which covers their heavier tails down to alpha = 1e-4. Below e = 20 they come from
  a seeded parametric bootstrap (`bootstrap.py`).
- KS: Smirnov.
- Total variation, Wasserstein: in the limit the supremum of a Gaussian process with mean mu and largest standard
  deviation s; mu + s z(1 - alpha) is an upper bound (Borell 1975; median <= mean, Kwapien 1994). Total variation:
  mu = sqrt(f) sqrt(2/pi) sum sqrt(p (1 - p)) / 2, s = sqrt(f max over sets A of p(A)(1 - p(A))). Wasserstein: mu =
  sqrt(f) sqrt(2/pi) integral of sqrt(F (1 - F)), s = sqrt(f) times the column's standard deviation, because among
  functions of slope at most 1 none varies more than x itself.
- L-infinity: union bound over the cells' normal limits (an upper bound).
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy.special import chdtrc, chdtri, ndtr, ndtri

from pierhead.statistics.bootstrap import bootstrap_null
from pierhead.statistics.counts import Counts, Floats, Samples, occupied, paired_counts, samples, shares
from pierhead.statistics.distances import hellinger, jensen_shannon, psi
from pierhead.statistics.smirnov import Smirnov

SPARSE = 20
"""Below this expected count of a cell the asymptotic formulas of PSI and its kin are not trusted."""

_SHARE_STATISTICS = {"psi": psi.of_shares, "jensen_shannon": jensen_shannon.of_shares, "hellinger": hellinger.of_shares}
_SCALES = {"psi": 1.0, "jensen_shannon": 1 / (8 * math.log(2)), "hellinger": 1 / 8}


class Null(Protocol):
    """A statistic's distribution under no drift."""

    @property
    def formula(self) -> str: ...

    def bound(self, alpha: float) -> float: ...

    def p_value(self, value: float) -> float: ...


def drifted(value: float | None, effect_threshold: float, bound: float) -> bool:
    """An effect worth talking about that chance does not explain; never where there is no value."""
    return value is not None and value > effect_threshold and value > bound


def null_of_counts(statistic: str, reference: Counts, current: Counts) -> Null:
    """The null distribution of a statistic of counts, at these sizes and pooled shares.

    `statistic`: psi, jensen_shannon, hellinger, chi_squared, chi_squared_effect, ks, total_variation, l_infinity.
    Raises ValueError for another one, or when a side is empty.
    """
    first, second = occupied(*paired_counts(reference, current))
    if not first.sum() or not second.sum():
        raise ValueError("there is no null distribution without values on both sides")
    if statistic in _SHARE_STATISTICS:
        return _share_null(statistic, first, second)
    factor = 1 / first.sum() + 1 / second.sum()
    match statistic:
        case "chi_squared":
            return ScaledChiSquared(1.0, first.size - 1, "chi-squared with cells - 1 degrees of freedom")
        case "chi_squared_effect":
            return ScaledChiSquared(factor, first.size - 1, "square ~ (1/n + 1/m) chi-squared(cells - 1)", power=2)
        case "ks":
            return Smirnov(int(first.sum()), int(second.sum()))
        case "total_variation":
            return _total_variation_null(shares(first + second), factor)
        case "l_infinity":
            pooled = shares(first + second)
            return LargestOfNormals(tuple(np.sqrt(factor * pooled * (1 - pooled))))
    raise ValueError(f"no null distribution of counts for the statistic {statistic!r}")


@dataclass(frozen=True, slots=True)
class ScaledChiSquared:
    """statistic ** power = scale * chi-squared(degrees)."""

    scale: float
    degrees: int
    formula: str
    power: int = 1

    def bound(self, alpha: float) -> float:
        if self.degrees < 1:
            return 0.0
        return float((self.scale * chdtri(self.degrees, alpha)) ** (1 / self.power))

    def p_value(self, value: float) -> float:
        if self.degrees < 1 or value <= 0:
            return 1.0
        return float(chdtrc(self.degrees, value**self.power / self.scale))


@dataclass(frozen=True, slots=True)
class Concentrated:
    """Upper bound of a supremum of a Gaussian process by its mean and largest standard deviation."""

    mean: float
    deviation: float
    formula: ClassVar[str] = "upper bound: Gaussian concentration around the mean of the limit"

    def bound(self, alpha: float) -> float:
        return self.mean - self.deviation * float(ndtri(alpha))

    def p_value(self, value: float) -> float:
        if value <= self.mean:
            return 1.0
        return float(ndtr((self.mean - value) / self.deviation)) if self.deviation > 0 else 0.0


@dataclass(frozen=True, slots=True)
class LargestOfNormals:
    """Upper bound of the largest of |normals| with these standard deviations, whatever their correlation."""

    deviations: tuple[float, ...]
    formula: ClassVar[str] = "upper bound: union over the cells' normal limits"

    def bound(self, alpha: float) -> float:
        low, high = 0.0, -max(self.deviations) * float(ndtri(alpha / (2 * len(self.deviations))))
        # Bisection: the p-value falls steadily, and 60 halvings leave nothing of a double.
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.p_value(middle) >= alpha else (low, middle)
        return high

    def p_value(self, value: float) -> float:
        if value <= 0:
            return 1.0
        deviations = np.asarray(self.deviations)
        return min(1.0, float(2 * ndtr(-value / deviations[deviations > 0]).sum()))


@dataclass(frozen=True, slots=True)
class Spread:
    """What the Wasserstein null needs of a column: integral of sqrt(F (1 - F)) dx, and its standard deviation."""

    integral: float
    deviation: float


def spread_of_samples(values: Samples) -> Spread | None:
    """The spread of a reference sample; None without two finite values."""
    ordered = samples(values)
    ordered = ordered[np.isfinite(ordered)]
    if ordered.size < 2:
        return None
    ranks = np.arange(1, ordered.size) / ordered.size
    integral = float(np.sum(np.sqrt(ranks * (1 - ranks)) * np.diff(ordered)))
    return Spread(integral, float(ordered.std(ddof=1)) if ordered[0] < ordered[-1] else 0.0)


def wasserstein_null(n: int, m: int, spread: Spread) -> Concentrated:
    """W1 of n against m values of a column of this spread, in the column's unit."""
    root = math.sqrt(1 / n + 1 / m)
    return Concentrated(root * math.sqrt(2 / math.pi) * spread.integral, root * spread.deviation)


def wasserstein_scaled_null(n: int, m: int, spread: Spread) -> Concentrated:
    """The same in standard deviations of the reference; all chance is excluded where those are 0."""
    if spread.deviation == 0:
        return Concentrated(0.0, 0.0)
    return wasserstein_null(n, m, Spread(spread.integral / spread.deviation, 1.0))


def _share_null(statistic: str, first: Floats, second: Floats) -> Null:
    n, m = float(first.sum()), float(second.sum())
    pooled = first + second
    least = float(shares(pooled).min()) * min(n, m)
    if least < SPARSE and first.size > 1:
        return bootstrap_null(_SHARE_STATISTICS[statistic], int(n), int(m), tuple(pooled.tolist()))
    scale = _SCALES[statistic] * (1 / n + 1 / m) * (1 + 2 / least)
    formula = "(1/n + 1/m) chi-squared(cells - 1), scaled to the statistic, times 1 + 2/(least expected count)"
    return ScaledChiSquared(scale, first.size - 1, formula, power=1 if statistic == "psi" else 2)


def _total_variation_null(pooled: Floats, factor: float) -> Concentrated:
    mean = math.sqrt(2 / math.pi) * float(np.sqrt(pooled * (1 - pooled)).sum()) / 2
    largest = float(pooled.max())
    variance = largest * (1 - largest) if largest > 0.5 else 0.25
    return Concentrated(math.sqrt(factor) * mean, math.sqrt(factor * variance))
