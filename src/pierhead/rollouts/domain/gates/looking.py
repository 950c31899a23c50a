"""One look at all gates of a step."""

from pierhead.rollouts.domain.gate_terms import (
    AccuracyTerms,
    AlertTerms,
    DisagreementTerms,
    ErrorTerms,
    GateTerms,
    LatencyTerms,
    SampleRatioTerms,
    ScoreTerms,
    WorstSliceTerms,
)
from pierhead.rollouts.domain.gates.accuracy import look_at_accuracy
from pierhead.rollouts.domain.gates.alerts import look_at_alerts
from pierhead.rollouts.domain.gates.budgets import Budget, budget_of
from pierhead.rollouts.domain.gates.disagreement import look_at_disagreement
from pierhead.rollouts.domain.gates.errors import look_at_errors
from pierhead.rollouts.domain.gates.latency import look_at_latency
from pierhead.rollouts.domain.gates.results import Facts, GateResult
from pierhead.rollouts.domain.gates.sample_ratio import look_at_sample_ratio
from pierhead.rollouts.domain.gates.scores import look_at_scores
from pierhead.rollouts.domain.gates.worst_slice import look_at_worst_slice
from pierhead.rollouts.domain.readings import Reading
from pierhead.rollouts.domain.specs import RolloutSpec, Step


def look(spec: RolloutSpec, step: Step, reading: Reading, facts: Facts) -> tuple[GateResult, ...]:
    """What each gate of the step says, in the order of its gates. May be called as often as one likes."""
    budget = budget_of(spec, step, reading.requests)
    return tuple(_look_at(terms, reading, facts, budget) for terms in step.gates)


def _look_at(terms: GateTerms, reading: Reading, facts: Facts, budget: Budget) -> GateResult:
    match terms:
        case SampleRatioTerms():
            return look_at_sample_ratio(reading, terms, budget)
        case ErrorTerms():
            return look_at_errors(reading, terms, budget)
        case LatencyTerms():
            return look_at_latency(reading, terms, budget)
        case ScoreTerms():
            return look_at_scores(reading, terms, budget)
        case DisagreementTerms():
            return look_at_disagreement(reading, terms, budget)
        case AccuracyTerms():
            return look_at_accuracy(facts, terms, budget)
        case WorstSliceTerms():
            return look_at_worst_slice(reading, terms, budget)
        case AlertTerms():
            return look_at_alerts(facts, terms)
