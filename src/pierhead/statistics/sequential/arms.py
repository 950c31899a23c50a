"""Evidence against each possible chance of an event, from how often it was seen.

Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon, Annals of Statistics 49(2), 2021, proposition 7. An arm's evidence
against chance p is a mixture of likelihood ratios over a prior around p that weighs `rho` observations; exp of it is a
test martingale when p is true. As a function of p it is convex and at most 0 at the observed share.
"""

import math
from typing import Protocol

from pierhead.statistics.sequential.urn import log_urn, urn_bend


class Arm(Protocol):
    """Evidence, in nats, as a convex function of a chance from 0 to `ceiling`."""

    estimate: float
    ceiling: float
    # What a Gaussian would have: variance of the estimate, and evidence at it.
    variance: float
    base: float

    def evidence(self, chance: float) -> float: ...

    def finite_at(self, chance: float) -> bool:
        """Tell whether the evidence is finite: at the ends it is so only for 0 or 1 events."""
        ...

    def bend(self, chance: float) -> tuple[float, float]:
        """First and second derivative of the evidence, inside of the ends or where it is finite at them."""
        ...


class Bernoulli:
    """`successes` of `trials > 0`, by a beta mixture: exact."""

    ceiling = 1.0

    def __init__(self, successes: float, trials: float, rho: float) -> None:
        self._successes = successes
        self._failures = trials - successes
        self._rho = rho
        self._common = log_urn(rho, trials)
        self.estimate = successes / trials
        shrunk = (successes + 0.5) / (trials + 1.0)
        self.variance = shrunk * (1.0 - shrunk) * (1.0 + rho / trials) / trials
        self.base = -0.5 * math.log1p(trials / rho)

    def evidence(self, chance: float) -> float:
        rho = self._rho
        return log_urn(rho * chance, self._successes) + log_urn(rho * (1.0 - chance), self._failures) - self._common

    def finite_at(self, chance: float) -> bool:
        return (chance > 0.0 or self._successes <= 1.0) and (chance < 1.0 or self._failures <= 1.0)

    def bend(self, chance: float) -> tuple[float, float]:
        rho = self._rho
        slope, curvature = urn_bend(rho * chance, self._successes)
        mirrored, more = urn_bend(rho * (1.0 - chance), self._failures)
        return rho * (slope - mirrored), rho * rho * (curvature + more)


class Poisson:
    """`events` in `trials > 0`, by a gamma mixture.

    Because 1 + x <= exp(x), such arms over several cells of ONE multinomial may be added up like independent ones.
    """

    ceiling = math.inf

    def __init__(self, events: float, trials: float, rho: float) -> None:
        self._events = events
        self._trials = trials
        self._rho = rho
        self._growth = math.log1p(trials / rho)
        self.estimate = events / trials
        self.variance = (events + 0.5) / trials * (1.0 + rho / trials) / trials
        self.base = -0.5 * self._growth

    def evidence(self, chance: float) -> float:
        weight = self._rho * chance
        return log_urn(weight, self._events) - (self._events + weight) * self._growth + self._trials * chance

    def finite_at(self, chance: float) -> bool:
        return chance < math.inf and (chance > 0.0 or self._events <= 1.0)

    def bend(self, chance: float) -> tuple[float, float]:
        rho = self._rho
        slope, curvature = urn_bend(rho * chance, self._events)
        return rho * (slope - self._growth) + self._trials, rho * rho * curvature
