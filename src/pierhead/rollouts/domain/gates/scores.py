"""Other answers: their distribution in both arms over the same period."""

import numpy as np

from pierhead.rollouts.domain.gate_terms import ScoreTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import GateResult, Verdict
from pierhead.rollouts.domain.readings import Reading
from pierhead.statistics.sequential import distributions
from pierhead.statistics.sequential.interval import Interval

_WITHOUT_SCALE = 2
"""Bins of a reading that has no scale yet."""


def look_at_scores(reading: Reading, terms: ScoreTerms, budget: Budget) -> GateResult:
    """Harm is the largest difference of the cumulative shares, numbers in their order, categories by frequency, at the
    end answers that cannot be read.

    In a step without points both arms answer the same requests and are not independent. The interval rests on the
    product of two e-processes, one an arm; that it exceeds 1 / level, one of them must exceed the root of it. So the
    interval at (alpha / 2)^2 holds with probability 1 - alpha however the arms depend on each other.
    """
    a, b = reading.answers()
    if not sum(a) or not sum(b) or not sum(a[:-1]) + sum(b[:-1]):
        return without_numbers(terms.name, budget, prove=terms.prove, why="there are no answers that can be compared")
    # Without a scale only answers that cannot be read are told from those that can: enough for harm, not for proof.
    has_scale = len(a) > _WITHOUT_SCALE
    prove = terms.prove and has_scale

    def interval_at(alpha: float) -> Interval:
        level = alpha if reading.terms.points else (alpha / 2) ** 2
        return distributions.ks_interval(np.array(a), np.array(b), level, best_at=budget.best_at[1])

    harm = harm_of(largest_gap(a, b), interval_at, budget, (sum(a), sum(b)), prove=prove)
    result = conclude(terms.name, harm, terms.margin, budget, prove=prove, words=_words(a, b))
    if has_scale or result.verdict is Verdict.HARMFUL:
        return result
    why = "the champion has too few answers yet that can be compared"
    return without_numbers(terms.name, budget, prove=terms.prove, why=why)


def _words(a: list[int], b: list[int]) -> str:
    words = "the distance between the answers of both"
    if a[-1] or b[-1]:
        shares = f"{a[-1] / sum(a):.3g} of the champion's and {b[-1] / sum(b):.3g} of the candidate's cannot be read"
        return f"{words} ({shares})"
    return words


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
