"""More errors: calls that fail, and calls that are refused though their like is accepted."""

from pierhead.rollouts.domain.gate_terms import ErrorTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import Harm, conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import GateResult
from pierhead.rollouts.domain.pair_readings import PairReading
from pierhead.rollouts.domain.readings import Reading
from pierhead.statistics.sequential import paired, proportions
from pierhead.statistics.sequential.interval import Interval

_FAILED = "the share of failed calls, candidate less champion,"
_REFUSED = "the share of refused calls (4xx), candidate less champion,"
_PAIRED = "the share of requests that only the champion answered, less that of the reverse,"


def look_at_errors(reading: Reading, terms: ErrorTerms, budget: Budget) -> GateResult:
    """In a step without points by pairs, which is far sharper; else 5xx and time-outs by arm, and 4xx by themselves:
    callers' own mistakes are the same in both arms, so that a difference is the candidate's."""
    if not reading.terms.points:
        return _paired(reading.pairs, terms, budget)
    a, b = reading.champion, reading.candidate
    if not a.requests or not b.requests:
        return without_numbers(terms.name, budget, prove=True, why="one of the two has no requests yet")
    half = budget.split(2)
    harms = [
        (_difference((k_a, a.requests), (k_b, b.requests), half, prove=terms.prove), words)
        for k_a, k_b, words in ((a.failures, b.failures, _FAILED), (a.refusals, b.refusals, _REFUSED))
        if words is _FAILED or k_b or terms.prove
    ]
    # For a proof both must be within: the one with the larger upper bound tells, unless the other is harmful already.
    harm, words = max(harms, key=lambda each: (max(each[0].lower, terms.margin), each[0].upper))
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=words)


def _difference(a: tuple[int, int], b: tuple[int, int], budget: Budget, *, prove: bool) -> Harm:
    (k_a, n_a), (k_b, n_b) = a, b

    def interval_at(alpha: float) -> Interval:
        return proportions.difference(k_a, n_a, k_b, n_b, alpha, best_at=budget.best_at)

    return harm_of(k_b / n_b - k_a / n_a, interval_at, budget, (n_a, n_b), prove=prove)


def _paired(pairs: PairReading, terms: ErrorTerms, budget: Budget) -> GateResult:
    if not pairs.pairs:
        return without_numbers(terms.name, budget, prove=True, why="no shadow has answered yet")

    def interval_at(alpha: float) -> Interval:
        gain = paired.accuracy_difference(
            pairs.champion_failed, pairs.candidate_failed, pairs.pairs, alpha, best_at=budget.best_at[1]
        )
        return Interval(-gain.upper, -gain.lower)

    estimate = (pairs.candidate_failed - pairs.champion_failed) / pairs.pairs
    harm = harm_of(estimate, interval_at, budget, (pairs.pairs, pairs.pairs), prove=terms.prove)
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=_PAIRED)
