"""Slower answers, at a high quantile."""

import math
from dataclasses import replace

from pierhead.rollouts.domain.gate_terms import LatencyTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import GateResult, Verdict
from pierhead.rollouts.domain.latencies import EDGES, Latencies
from pierhead.rollouts.domain.readings import Reading
from pierhead.statistics.sequential import quantiles
from pierhead.statistics.sequential.interval import Interval

_MEDIAN = 0.5


def look_at_latency(reading: Reading, terms: LatencyTerms, budget: Budget) -> GateResult:
    """Harm is the candidate's quantile by the champion's, less 1; at most the margin where they are no more than
    `least_ms` apart. The median is looked at too, with half the level: a candidate that is slow throughout shows there
    after a few dozen calls, while a p99 has no bounds before about a thousand."""
    a, b = reading.champion.latencies, reading.candidate.latencies
    if not a.total or not b.total:
        return without_numbers(terms.name, budget, prove=True, why="one of the two has no answers yet")
    half = budget.split(2)
    # No interval excludes its own estimate: one within the margin cannot be harmful.
    if _slower(a.quantile(_MEDIAN), b.quantile(_MEDIAN), terms) > terms.margin:
        at_median = _compare(a, b, _MEDIAN, replace(terms, prove=False), half)
        if at_median.verdict is Verdict.HARMFUL:
            return at_median
    return _compare(a, b, terms.quantile, terms, half)


def _compare(a: Latencies, b: Latencies, quantile: float, terms: LatencyTerms, budget: Budget) -> GateResult:
    """Each arm's interval has half the level, so that the arms may depend on each other."""
    counts_a, counts_b = a.dense(), b.dense()
    at_a, at_b = a.quantile(quantile), b.quantile(quantile)

    def interval_at(alpha: float) -> Interval:
        best_a, best_b = budget.best_at
        of_a = quantiles.quantile_interval(counts_a, EDGES, quantile, alpha / 2, best_at=best_a)
        of_b = quantiles.quantile_interval(counts_b, EDGES, quantile, alpha / 2, best_at=best_b)
        return Interval(_slower(of_a.upper, of_b.lower, terms), _slower(of_a.lower, of_b.upper, terms))

    harm = harm_of(_slower(at_a, at_b, terms), interval_at, budget, (a.total, b.total), prove=terms.prove)
    words = f"p{100 * quantile:g} of {at_b:.3g} ms beside the champion's {at_a:.3g} ms, by ratio less 1,"
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=words)


def _slower(champion_ms: float, candidate_ms: float, terms: LatencyTerms) -> float:
    """The harm, if the quantiles were these.

    >>> _slower(10.0, 30.0, LatencyTerms()), _slower(1.0, 3.0, LatencyTerms())
    (2.0, 0.25)
    """
    if champion_ms == 0 or math.isinf(candidate_ms):
        slower = 0.0 if candidate_ms == 0 else math.inf
    else:
        slower = candidate_ms / champion_ms - 1
    return slower if candidate_ms - champion_ms > terms.least_ms else min(slower, terms.margin)
