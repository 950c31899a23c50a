"""Other answers, request by request: what the champion and the candidate's shadow make of the same one."""

from pierhead.rollouts.domain.gate_terms import DisagreementTerms
from pierhead.rollouts.domain.gates.budgets import Budget
from pierhead.rollouts.domain.gates.concluding import conclude, harm_of, without_numbers
from pierhead.rollouts.domain.gates.results import GateResult
from pierhead.rollouts.domain.readings import Reading
from pierhead.statistics.sequential import proportions
from pierhead.statistics.sequential.interval import Interval


def look_at_disagreement(reading: Reading, terms: DisagreementTerms, budget: Budget) -> GateResult:
    """Harm is the share of rows with another answer; requests are the draws, each with a share of its own."""
    pairs = reading.pairs
    if not pairs.compared:
        return without_numbers(terms.name, budget, prove=terms.prove, why="there are no pairs that can be compared")

    def interval_at(alpha: float) -> Interval:
        return proportions.interval(pairs.disagreement, pairs.compared, alpha, best_at=budget.best_at[1])

    sizes = (pairs.compared, pairs.compared)
    harm = harm_of(pairs.disagreement / pairs.compared, interval_at, budget, sizes, prove=terms.prove)
    words = "the share of shadowed requests with another answer"
    return conclude(terms.name, harm, terms.margin, budget, prove=terms.prove, words=words)
