"""The slice that fares worst: harm to a few that the whole does not show."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pierhead.rollouts.domain.gate_terms import WorstSliceTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import GateResult
from pierhead.rollouts.domain.gates.scores import largest_gap
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.slice_readings import CANDIDATE, CHAMPION, SliceReading
from pierhead.rollouts.domain.slices import MOST_COLUMNS, MOST_VALUES
from pierhead.statistics.sequential import distributions, proportions
from pierhead.statistics.sequential.interval import Interval

_MOST_COMPARISONS = 2 * MOST_COLUMNS * MOST_VALUES
"""Fixed beforehand: how many slices turn up depends on the traffic."""

_BEST_AT = (100, 100)
"""A slice has few requests, and is to be judged as soon as it has."""


@dataclass(frozen=True, slots=True)
class _Comparison:
    words: str
    estimate: float
    n_a: int
    n_b: int
    interval_at: Callable[[float], Interval]


def look_at_worst_slice(reading: Reading, terms: WorstSliceTerms, budget: Budget) -> GateResult:
    """The harmful slice, or the one that looks worst. In shadow harm is the share of pairs that disagree, else the
    difference of error shares or the distance of the answers, whichever is larger."""
    part = budget.split(_MOST_COMPARISONS)
    found = list(_comparisons(reading, terms.least_requests))
    if not found:
        why = f"no categorical feature has a value with {terms.least_requests} requests"
        return without_numbers(terms.name, budget, prove=False, why=why)
    harms = []
    # No interval excludes its own estimate: one within the margin cannot be harmful, and costs nothing.
    for place, each in enumerate(sorted(found, key=lambda each: each.estimate, reverse=True)):
        if place and each.estimate <= terms.margin:
            break
        harms.append((harm_of(each.estimate, each.interval_at, part, (each.n_a, each.n_b)), each.words))
    worst, words = max(harms, key=lambda each: each[0].lower)
    words = f"{words}, the worst of {len(found)} comparisons,"
    return conclude(terms.name, worst, terms.margin, part, prove=False, words=words)


def _comparisons(reading: Reading, least: int) -> Iterator[_Comparison]:
    for column, value, each in reading.slices:
        where = f"{column} = {value!r}"
        if each.pairs >= least:
            yield _disagreement(where, each)
        if min(each.requests) >= least:
            yield _failures(where, each)
        if min(map(sum, each.bins)) >= least:
            yield _answers(where, each)


def _disagreement(where: str, each: SliceReading) -> _Comparison:
    def interval_at(alpha: float) -> Interval:
        return proportions.interval(each.disagreement, each.pairs, alpha, best_at=_BEST_AT[1])

    estimate = each.disagreement / each.pairs
    return _Comparison(f"disagreement where {where}", estimate, each.pairs, each.pairs, interval_at)


def _failures(where: str, each: SliceReading) -> _Comparison:
    (k_a, k_b), (n_a, n_b) = each.failures, each.requests

    def interval_at(alpha: float) -> Interval:
        return proportions.difference(k_a, n_a, k_b, n_b, alpha, best_at=_BEST_AT)

    return _Comparison(f"more failed calls where {where}", k_b / n_b - k_a / n_a, n_a, n_b, interval_at)


def _answers(where: str, each: SliceReading) -> _Comparison:
    a, b = each.bins[CHAMPION], each.bins[CANDIDATE]

    def interval_at(alpha: float) -> Interval:
        return distributions.ks_interval(np.array(a), np.array(b), alpha, best_at=_BEST_AT[1])

    return _Comparison(f"the distance of answers where {where}", largest_gap(a, b), sum(a), sum(b), interval_at)
