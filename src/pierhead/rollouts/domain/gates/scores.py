"""Other answers: their distribution in both arms over the same period."""

import numpy as np

from pierhead.rollouts.domain.gate_terms import ScoreTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import GateResult
from pierhead.rollouts.domain.readings import Reading
from pierhead.statistics.sequential import distributions
from pierhead.statistics.sequential.interval import Interval


def look_at_scores(reading: Reading, terms: ScoreTerms, budget: Budget) -> GateResult:
    """Harm is the largest difference of the cumulative shares, numbers in their order, categories by frequency.

    In a step without points both arms answer the same requests and are not independent. The interval rests on the
    product of two e-processes, one an arm; that it exceeds 1 / level, one of them must exceed the root of it. So the
    interval at (alpha / 2)^2 holds with probability 1 - alpha however the arms depend on each other.
    """
    a, b = reading.champion.bins, reading.candidate.bins
    if not a or not b:
        return without_numbers(terms.name, budget, prove=terms.prove, why="there are no answers that can be compared")

    def interval_at(alpha: float) -> Interval:
        level = alpha if reading.terms.points else (alpha / 2) ** 2
        return distributions.ks_interval(np.array(a), np.array(b), level, best_at=budget.best_at[1])

    harm = harm_of(largest_gap(a, b), interval_at, budget, (sum(a), sum(b)), prove=terms.prove)
    words = "the distance between the answers of both"
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=words)


def largest_gap(a: list[int], b: list[int]) -> float:
    """The distance of Kolmogorov and Smirnov between two lists of counts, neither empty.

    >>> largest_gap([2, 2], [1, 3])
    0.25
    """
    total_a, total_b = sum(a), sum(b)
    sum_a = sum_b = 0
    gap = 0.0
    for count_a, count_b in zip(a, b, strict=True):
        sum_a, sum_b = sum_a + count_a, sum_b + count_b
        gap = max(gap, abs(sum_a / total_a - sum_b / total_b))
    return gap
