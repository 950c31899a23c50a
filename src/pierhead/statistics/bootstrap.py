"""The null distribution of a statistic of sparse counts, by simulation.

Parametric bootstrap: both samples are drawn from the pooled shares, 2,000 times, with a fixed seed, so the same counts
always give the same bound. Beyond the 98th percentile the tail is exponential with the mean excess of the draws there
(peaks over threshold, Pickands 1975, shape 0), so small error levels have a bound too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from pierhead.statistics.counts import Floats

ShareStatistic = Callable[[Floats, Floats], Floats]
DRAWS = 2000
TAIL = 0.02
_SEED = 20_260_101


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Sorted draws of a statistic, with an exponential tail."""

    draws: Floats
    formula: ClassVar[str] = (
        "parametric bootstrap of the pooled shares, 2000 seeded draws, exponential tail beyond 98 percent"
    )

    def bound(self, alpha: float) -> float:
        if alpha <= TAIL:
            return self._start + self._excess * float(np.log(TAIL / alpha))
        return float(np.interp(1 - alpha, *self._body))

    def p_value(self, value: float) -> float:
        if value > self._start:
            return TAIL * float(np.exp(-(value - self._start) / self._excess)) if self._excess > 0 else 0.0
        ranks, draws = self._body
        return 1 - float(np.interp(value, draws, ranks)) if value > draws[0] else 1.0

    @property
    def _body(self) -> tuple[Floats, Floats]:
        """Quantiles below the tail: ranks and values, both rising to the tail's start."""
        count = round(DRAWS * (1 - TAIL))
        return np.linspace(0, 1 - TAIL, count), self.draws[:count]

    @property
    def _start(self) -> float:
        return float(self.draws[round(DRAWS * (1 - TAIL)) - 1])

    @property
    def _excess(self) -> float:
        beyond = self.draws[round(DRAWS * (1 - TAIL)) :] - self._start
        # Equal for an exponential tail; the second is larger for a heavier one, as PSI has where cells run empty.
        return max(float(beyond.mean()), float(np.sqrt((beyond**2).mean() / 2)))


@lru_cache(maxsize=512)
def bootstrap_null(statistic: ShareStatistic, n: int, m: int, pooled: tuple[float, ...]) -> Simulated:
    """The statistic's draws for n and m values over cells with these pooled counts."""
    generator = np.random.default_rng(_SEED)
    probabilities = np.asarray(pooled) / sum(pooled)
    first = generator.multinomial(n, probabilities, DRAWS) / n
    second = generator.multinomial(m, probabilities, DRAWS) / m
    return Simulated(np.sort(statistic(first, second)))
