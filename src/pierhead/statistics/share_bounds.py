"""How large the share of new categories, and a change of the share of nulls, gets when nothing drifts.

Both condition on the pooled rows and ask how likely chance alone puts them so on the two sides (exchangeability), so
they hold at any sample size.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

_TILTS = np.geomspace(1e-8, 100, 240)


@dataclass(frozen=True, slots=True)
class NewCategories:
    """Share of `current` rows whose category the `reference` rows lack, when both come from one source.

    A category with k rows in both together lies wholly in the current part with probability at most r^k,
    r = m / (n + m). The tail of the sum of such k over all categories, old ones too, is bounded by Chernoff's method:
    the indicators compete for the reference's places, so they are negatively associated and the bound for independent
    ones holds. `sizes` pairs a number of rows k with how many categories have it. `reference` must not be 0.
    """

    reference: int
    current: int
    sizes: tuple[tuple[int, int], ...]
    formula: ClassVar[str] = (
        "upper bound: exchangeability, category of k rows new with probability (m / (n + m))^k, Chernoff"
    )

    @classmethod
    def of(cls, reference: int, current: int, rows: Iterable[int]) -> "NewCategories":
        """From the rows of each category in both together."""
        sizes, times = np.unique(np.fromiter(rows, dtype=np.int64), return_counts=True)
        return cls(reference, current, tuple(zip(sizes.tolist(), times.tolist(), strict=True)))

    def p_value(self, value: float) -> float:
        if value <= 0 or not self.sizes:
            return 1.0
        sizes, times = (np.array(column, dtype=np.float64) for column in zip(*self.sizes, strict=True))
        log_new = sizes * np.log(self.current / (self.reference + self.current))
        # log E exp(t S) of S = sum k Bernoulli(r^k), at every tilt t at once; in logarithms it cannot overflow.
        growth = np.multiply.outer(_TILTS, sizes) + log_new
        log_moment = np.logaddexp(np.log1p(-np.exp(log_new)), growth) @ times
        return float(np.exp(min(0.0, float((log_moment - _TILTS * value * self.current).min()))))

    def bound(self, alpha: float) -> float:
        """At most 1, which no share exceeds: then the reference is too small to tell."""
        low, high = 0.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self.p_value(middle) >= alpha else (low, middle)
        return high


@dataclass(frozen=True, slots=True)
class NullShare:
    """Absolute change of the share of nulls between `n` reference and `m` current rows, `nulls` among them all.

    Pooled two-proportion test, two-sided, with the continuity correction of half a row on either side (Yates), which
    keeps it from alarming on a handful of rows. Source: Fleiss, Statistical Methods for Rates and Proportions (1981).
    """

    n: int
    m: int
    nulls: int
    formula: ClassVar[str] = "pooled two-proportion z, two-sided, continuity corrected"

    def p_value(self, value: float) -> float:
        deviation = self._deviation
        if deviation == 0:
            return 1.0
        return min(1.0, 2 * float(ndtr(-max(0.0, value - self._correction) / deviation)))

    def bound(self, alpha: float) -> float:
        return self._correction - float(ndtri(alpha / 2)) * self._deviation

    @property
    def _deviation(self) -> float:
        share = self.nulls / (self.n + self.m)
        return float(np.sqrt(share * (1 - share) * (1 / self.n + 1 / self.m)))

    @property
    def _correction(self) -> float:
        return (1 / self.n + 1 / self.m) / 2
