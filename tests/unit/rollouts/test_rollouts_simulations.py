"""Thousands of rollouts of made-up traffic: how often they err, and how soon they see harm."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from pierhead.rollouts.domain.arm_readings import ArmReading
from pierhead.rollouts.domain.decisions import Outcome, decide
from pierhead.rollouts.domain.gate_terms import (
    DisagreementTerms,
    ErrorTerms,
    GateTerms,
    LatencyTerms,
    SampleRatioTerms,
    ScoreTerms,
)
from pierhead.rollouts.domain.gates.results import Facts
from pierhead.rollouts.domain.observations import Ending
from pierhead.rollouts.domain.readings import begin_reading
from pierhead.rollouts.domain.specs import RolloutSpec, Step, usual_spec
from pierhead.rollouts.domain.states import begin

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
LOOK_EVERY = timedelta(minutes=1)

PLACES = np.arange(150, 270, 10)
"""Buckets of the histogram of latencies, from 2 ms to 20 ms."""
PLACE_SHARES = np.array([1, 4, 10, 18, 22, 18, 12, 7, 4, 2, 1.2, 0.8]) / 100
BINS = 20


@dataclass(frozen=True)
class Model:
    """How a model behaves: shares of calls that fail, of pairs that disagree; how many buckets of 2 % it is slower."""

    failing: float = 0.01
    disagreeing: float = 0.0
    slower: int = 0
    scores: NDArray[np.float64] = field(default_factory=lambda: np.full(BINS, 1 / BINS))


CHAMPION = Model()


@dataclass(frozen=True)
class End:
    """`served` is the share of all requests that the candidate had answered."""

    outcome: Outcome
    rule: str
    served: float


class Traffic:
    """What one step's arms have shown at each look, drawn in one go: cumulative counts by look."""

    def __init__(self, step: Step, model: Model, requests: int, looks: int, rng: np.random.Generator) -> None:
        self.taken = np.cumsum(rng.binomial(requests, step.points / 10_000, size=looks))
        self.total = requests * np.arange(1, looks + 1)
        shown = self.total if step.is_shadow else self.taken
        self.champion = _Arm(CHAMPION, self.total - self.taken, rng)
        self.candidate = _Arm(model, shown, rng)
        shares = [model.failing * (1 - CHAMPION.failing), CHAMPION.failing * (1 - model.failing)]
        self.pairs = np.cumsum(rng.multinomial(requests, [*shares, 1 - sum(shares)], size=looks), axis=0).tolist()
        self.disagreements = np.cumsum(rng.binomial(requests, model.disagreeing, size=looks)).tolist()


class _Arm:
    def __init__(self, model: Model, requests: NDArray[np.int64], rng: np.random.Generator) -> None:
        new = np.diff(requests, prepend=0)
        failed = rng.binomial(new, model.failing)
        answered = new - failed
        self.places = [int(place) + model.slower for place in PLACES]
        self.failed = np.cumsum(failed).tolist()
        self.answered = np.cumsum(answered).tolist()
        self.latencies = np.cumsum(rng.multinomial(answered, PLACE_SHARES), axis=0).tolist()
        self.bins = np.cumsum(rng.multinomial(answered, model.scores), axis=0).tolist()

    def show(self, arm: ArmReading, look: int, at: datetime) -> None:
        arm.endings[Ending.SERVER_ERROR] = self.failed[look]
        arm.endings[Ending.ANSWERED] = self.answered[look]
        arm.latencies.counts = dict(zip(self.places, self.latencies[look], strict=True))
        arm.latencies.total = self.answered[look]
        arm.bins = self.bins[look] if self.answered[look] else []
        arm.last_at_ms = int(at.timestamp() * 1000)


def roll_out(spec: RolloutSpec, model: Model, rng: np.random.Generator, *, requests: int, looks: int) -> End:
    """One rollout with so many requests between looks; WAIT if nothing came of it in `looks` looks a step."""
    now, served, total = BEGIN, 0, 0
    state = begin(now)
    for step in spec.steps:
        reading = begin_reading(spec, state)
        traffic = Traffic(step, model, requests, looks, rng)
        for look in range(looks):
            now += LOOK_EVERY
            traffic.champion.show(reading.champion, look, now)
            traffic.candidate.show(reading.candidate, look, now)
            if step.is_shadow:
                pairs = reading.pairs
                pairs.candidate_failed, pairs.champion_failed, _ = traffic.pairs[look]
                pairs.pairs = pairs.compared = requests * (look + 1)
                pairs.disagreement = traffic.disagreements[look]
            else:
                reading.assignments.candidate = int(traffic.taken[look])
                reading.assignments.champion = int(traffic.total[look] - traffic.taken[look])
            decision = decide(spec, state, reading, Facts(), now)
            state = decision.state
            if decision.outcome is not Outcome.WAIT:
                break
        served += int(traffic.taken[look])
        total += requests * (look + 1)
        if decision.outcome is not Outcome.ADVANCE:
            break
    return End(decision.outcome, decision.rule, served / total)


def step(points: int, least: int, minutes: int, *gates: GateTerms) -> Step:
    return Step(points, 0.0 if points else 1.0, timedelta(minutes=minutes), least, None, gates)


LAST = Step(10_000, 0.0, timedelta(), 0, None, ())
RUNS = 2000


def test_two_thousand_null_rollouts_of_fifty_looks_are_rolled_back_no_more_often_than_stated() -> None:
    # The hardest case: a candidate that is exactly at every margin, so that any shift to the worse would be harm.
    spec = RolloutSpec(
        (
            step(0, 1, 40, LatencyTerms(margin=0, least_ms=0), ScoreTerms(margin=0), DisagreementTerms(margin=0.1)),
            step(490, 1, 10, SampleRatioTerms(), ErrorTerms(margin=0)),
            LAST,
        ),
        false_alarm=0.05,
    )
    rng = np.random.default_rng(20260301)

    outcomes = Counter(
        roll_out(spec, Model(disagreeing=0.1), rng, requests=requests, looks=40).outcome
        for requests in rng.integers(800, 1200, size=RUNS).tolist()
    )

    assert outcomes[Outcome.ROLL_BACK] + outcomes[Outcome.HOLD] <= 0.05 * RUNS
    # Nothing else kept the rest from an end.
    assert outcomes[Outcome.PROMOTE] >= 0.9 * RUNS


def test_two_thousand_candidates_just_beyond_a_margin_are_promoted_no_more_often_than_stated() -> None:
    spec = RolloutSpec((step(0, 1, 0, DisagreementTerms(margin=0.1, prove=True)), LAST), false_promotion=0.05)
    rng = np.random.default_rng(20260302)

    promoted = sum(
        roll_out(spec, Model(disagreeing=0.1001), rng, requests=100, looks=50).outcome is Outcome.PROMOTE
        for _ in range(RUNS)
    )

    assert promoted <= 0.05 * RUNS


def test_a_candidate_within_a_margin_that_must_be_proved_gets_there() -> None:
    spec = RolloutSpec((step(0, 1, 0, DisagreementTerms(margin=0.1, prove=True)), LAST))
    rng = np.random.default_rng(20260303)

    ends = [roll_out(spec, Model(disagreeing=0.05), rng, requests=100, looks=50).outcome for _ in range(100)]

    assert ends.count(Outcome.PROMOTE) >= 95


SKEWED = np.array([3.0] * 10 + [1.0] * 10) / 40
WORSE = {
    "five percent of calls fail": (Model(failing=0.05), "errors"),
    "twice as slow": (Model(slower=35), "latency"),
    "other answers": (Model(scores=SKEWED), "scores"),
}


@pytest.mark.parametrize("fault", WORSE)
def test_a_worse_candidate_is_rolled_back_before_it_has_served_two_percent_of_all_requests(fault: str) -> None:
    model, rule = WORSE[fault]
    spec = replace(usual_spec(), steps=usual_spec().steps[1:])
    spec = replace(spec, steps=tuple(replace(each, gates=_measured(each.gates)) for each in spec.steps))
    rng = np.random.default_rng(20260304)

    # A canary step of an hour with 60 looks, at 50 requests a second.
    ends = [roll_out(spec, model, rng, requests=3000, looks=90) for _ in range(100)]

    caught = [end for end in ends if end.outcome is Outcome.ROLL_BACK and end.rule == rule and end.served <= 0.02]
    assert len(caught) >= 95


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        (Model(failing=0.03), "errors"),
        (Model(slower=35), "latency"),
        (Model(scores=SKEWED), "scores"),
        (Model(disagreeing=0.2), "disagreement"),
    ],
    ids=["two percent more crashes", "twice as slow", "other answers", "other answers to the same requests"],
)
def test_a_worse_candidate_is_caught_in_shadow_before_it_answers_anybody(model: Model, rule: str) -> None:
    rng = np.random.default_rng(20260305)
    spec = usual_spec()
    spec = replace(spec, steps=tuple(replace(each, gates=_measured(each.gates)) for each in spec.steps))

    ends = [roll_out(spec, model, rng, requests=100, looks=60) for _ in range(100)]

    caught = [end for end in ends if end.outcome is Outcome.ROLL_BACK and end.rule == rule and end.served == 0]
    assert len(caught) >= 95


def _measured(gates: tuple[GateTerms, ...]) -> tuple[GateTerms, ...]:
    """Without those that the made-up traffic has nothing for; what they would take of the budget is small."""
    return tuple(terms for terms in gates if terms.name in ("errors", "latency", "scores", "disagreement"))
