"""What each gate makes of a step's reading."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pierhead.rollouts.domain.gate_terms import (
    AccuracyTerms,
    DisagreementTerms,
    ErrorTerms,
    GateTerms,
    LatencyTerms,
    Metric,
    SampleRatioTerms,
    ScoreTerms,
    WorstSliceTerms,
)
from pierhead.rollouts.domain.gates.budgets import budget_of
from pierhead.rollouts.domain.gates.looking import look
from pierhead.rollouts.domain.gates.results import (
    Facts,
    GateResult,
    LabelCohort,
    LabelledArm,
    OpenAlert,
    Verdict,
)
from pierhead.rollouts.domain.observations import Ending
from pierhead.rollouts.domain.readings import Reading, begin_reading
from pierhead.rollouts.domain.specs import RolloutSpec, Step, usual_gates, usual_spec
from pierhead.rollouts.domain.states import begin
from pierhead.statistics.sequential.means import Moments

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FAST, SLOW = 200, 260


def reading_at(points: int) -> Reading:
    return begin_reading(spec_of(points), begin(NOW))


def spec_of(points: int, *gates: GateTerms, least: int = 100) -> RolloutSpec:
    step = Step(
        points, 0.0 if points else 1.0, timedelta(), least, None, gates or usual_gates(points, float(not points))
    )
    return RolloutSpec((step,))


def judged(reading: Reading, terms: GateTerms, *, least: int = 100, facts: Facts | None = None) -> GateResult:
    spec = spec_of(reading.terms.points, terms, least=least)
    (result,) = look(spec, spec.steps[0], reading, facts or Facts())
    return result


def calls(reading: Reading, champion: int, candidate: int, **failed: tuple[int, int]) -> Reading:
    """Answered calls of both arms, and by ending those that were not."""
    for place, (arm, answered) in enumerate(((reading.champion, champion), (reading.candidate, candidate))):
        arm.endings[Ending.ANSWERED] = answered
        for ending, counts in failed.items():
            arm.endings[Ending(ending)] = counts[place]
    return reading


def pairs(reading: Reading, count: int, *, only_champion: int = 0, only_candidate: int = 0, differ: int = 0) -> Reading:
    reading.pairs.pairs = reading.pairs.compared = count
    reading.pairs.candidate_failed, reading.pairs.champion_failed = only_champion, only_candidate
    reading.pairs.disagreement = differ
    return reading


def latencies(reading: Reading, champion: dict[int, int], candidate: dict[int, int]) -> Reading:
    for arm, counts in ((reading.champion, champion), (reading.candidate, candidate)):
        arm.latencies.counts, arm.latencies.total = counts, sum(counts.values())
    return calls(reading, sum(champion.values()), sum(candidate.values()))


def test_a_candidate_that_fails_more_often_is_harmful() -> None:
    found = judged(calls(reading_at(490), 19_000, 950, server_error=(20, 50)), ErrorTerms())

    assert found.verdict is Verdict.HARMFUL
    assert found.estimate == pytest.approx(50 / 1000 - 20 / 19_020)
    assert found.lower is not None
    assert found.lower > 0.005
    assert (found.n_a, found.n_b) == (19_020, 1000)


def test_timeouts_are_failures_too() -> None:
    assert judged(calls(reading_at(490), 19_000, 950, timeout=(20, 50)), ErrorTerms()).verdict is Verdict.HARMFUL


def test_a_candidate_that_refuses_what_its_champion_takes_is_harmful() -> None:
    found = judged(calls(reading_at(490), 19_000, 500, caller_error=(20, 500)), ErrorTerms())

    assert found.verdict is Verdict.HARMFUL
    assert "refused" in found.message


def test_errors_of_callers_that_come_to_both_are_no_harm() -> None:
    found = judged(calls(reading_at(1000), 4500, 500, caller_error=(4500, 500)), ErrorTerms())

    assert found.verdict is Verdict.PASSED


def test_a_shadow_that_crashes_on_two_percent_shows_within_the_usual_thousand() -> None:
    found = judged(pairs(reading_at(0), 1000, only_champion=20), ErrorTerms(), least=1000)

    assert found.verdict is Verdict.HARMFUL


def test_a_shadow_that_fails_as_often_as_its_champion_is_not_harmful() -> None:
    found = judged(pairs(reading_at(0), 1000, only_champion=100, only_candidate=100), ErrorTerms(), least=1000)

    assert found.verdict is Verdict.PASSED


def test_without_enough_requests_nothing_is_passed() -> None:
    found = judged(pairs(reading_at(0), 99), ErrorTerms(), least=100)

    assert found.verdict is Verdict.UNDECIDED
    assert "too few requests yet" in found.message


@pytest.mark.parametrize(
    ("terms", "points"),
    [(ErrorTerms(), 0), (ErrorTerms(), 100), (LatencyTerms(), 100), (SampleRatioTerms(), 100)],
    ids=["shadow", "canary", "latency", "sample ratio"],
)
def test_without_any_request_nothing_is_passed_even_if_none_are_asked_for(terms: GateTerms, points: int) -> None:
    assert judged(reading_at(points), terms, least=0).verdict is Verdict.UNDECIDED


def test_what_must_be_proved_stays_undecided_until_the_upper_bound_is_within() -> None:
    terms = ErrorTerms(margin=0.005, prove=True)

    few, many = (judged(pairs(reading_at(0), count), terms) for count in (500, 20_000))

    assert few.verdict is Verdict.UNDECIDED
    assert many.verdict is Verdict.PASSED
    assert many.upper is not None
    assert many.upper <= 0.005


def test_a_candidate_slower_throughout_is_harmful() -> None:
    found = judged(latencies(reading_at(490), {FAST: 19_000}, {SLOW: 1000}), LatencyTerms())

    assert found.verdict is Verdict.HARMFUL
    assert found.estimate == pytest.approx(1.02**60 - 1)


def test_a_candidate_slower_throughout_shows_at_the_median_long_before_the_tail_has_bounds() -> None:
    found = judged(latencies(reading_at(0), {FAST: 100}, {SLOW: 100}), LatencyTerms(), least=1000)

    assert found.verdict is Verdict.HARMFUL
    assert "p50" in found.message


def test_a_candidate_slow_in_the_tail_alone_is_harmful() -> None:
    found = judged(latencies(reading_at(490), {FAST: 19_000}, {FAST: 900, SLOW: 100}), LatencyTerms())

    assert found.verdict is Verdict.HARMFUL
    assert "p99" in found.message


def test_a_tail_as_heavy_as_the_champions_is_no_harm() -> None:
    found = judged(latencies(reading_at(490), {FAST: 18_600, SLOW: 400}, {FAST: 979, SLOW: 21}), LatencyTerms())

    assert found.verdict is Verdict.PASSED


def test_a_few_milliseconds_are_no_harm_however_large_the_ratio() -> None:
    quick = latencies(reading_at(490), {40: 19_000}, {180: 1000})

    assert judged(quick, LatencyTerms(least_ms=5)).verdict is Verdict.PASSED
    assert judged(quick, LatencyTerms(least_ms=0)).verdict is Verdict.HARMFUL


def test_a_bound_that_does_not_exist_is_none() -> None:
    found = judged(latencies(reading_at(490), {FAST: 10}, {FAST: 10}), LatencyTerms())

    assert found.upper is None
    assert found.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("points", [0, 1000], ids=["shadow", "canary"])
def test_answers_distributed_otherwise_are_harmful(points: int) -> None:
    reading = pairs(calls(reading_at(points), 2000, 2000), 2000)
    reading.champion.bins, reading.candidate.bins = [1000, 1000], [400, 1600]

    assert judged(reading, ScoreTerms()).verdict is Verdict.HARMFUL


@pytest.mark.parametrize("points", [0, 1000], ids=["shadow", "canary"])
@pytest.mark.parametrize("bins", [([1000, 1000], [700, 700]), ([], [])], ids=["with a scale", "without one"])
@pytest.mark.parametrize("prove", [False, True], ids=["not harmful", "proved"])
def test_a_candidate_whose_answers_often_cannot_be_read_is_harmful(
    points: int, bins: tuple[list[int], list[int]], prove: bool
) -> None:
    reading = pairs(calls(reading_at(points), 2000, 2000), 2000)
    reading.champion.bins, reading.candidate.bins = bins
    reading.candidate.unreadable = 600
    if not bins[0]:
        for number in range(400):
            reading.early.add(number % 2, 0.5, {})

    found = judged(reading, ScoreTerms(prove=prove))

    assert found.verdict is Verdict.HARMFUL
    assert "0 of the champion's and" in found.message


def test_answers_of_which_none_can_be_read_prove_nothing() -> None:
    reading = pairs(calls(reading_at(1000), 9000, 9000), 9000)
    reading.champion.unreadable = reading.candidate.unreadable = 9000

    assert judged(reading, ScoreTerms(prove=True)).verdict is Verdict.UNDECIDED
    assert judged(reading, ScoreTerms()).verdict is Verdict.PASSED


def test_answers_that_cannot_be_compared_do_not_hold_up_a_rollout_but_prove_nothing() -> None:
    reading = pairs(reading_at(0), 200)
    reading.pairs.compared = 0

    for terms in (ScoreTerms(), DisagreementTerms()):
        assert judged(reading, terms).verdict is Verdict.PASSED
    for terms in (ScoreTerms(prove=True), DisagreementTerms(prove=True)):
        assert judged(reading, terms).verdict is Verdict.UNDECIDED


def test_a_shadow_that_often_answers_otherwise_is_harmful() -> None:
    assert judged(pairs(reading_at(0), 1000, differ=180), DisagreementTerms()).verdict is Verdict.HARMFUL
    assert judged(pairs(reading_at(0), 1000, differ=80), DisagreementTerms()).verdict is Verdict.PASSED


def assigned(champion: int, candidate: int, *, diverted: int = 0) -> Reading:
    reading = calls(reading_at(1000), champion, candidate - diverted)
    counts = reading.assignments
    counts.champion, counts.candidate, counts.diverted = champion, candidate, diverted
    return reading


def test_a_candidate_that_gets_another_share_than_planned_is_a_mismatch() -> None:
    found = judged(assigned(9500, 500), SampleRatioTerms())

    assert found.verdict is Verdict.HARMFUL
    assert judged(assigned(9000, 1000), SampleRatioTerms()).verdict is Verdict.PASSED


def test_a_candidate_that_is_often_away_is_neither_a_mismatch_nor_passed() -> None:
    found = judged(assigned(9000, 1000, diverted=200), SampleRatioTerms())

    assert found.verdict is Verdict.UNDECIDED
    assert "20%" in found.message
    assert judged(assigned(9000, 1000, diverted=50), SampleRatioTerms()).verdict is Verdict.PASSED


def cohort(champion: LabelledArm, candidate: LabelledArm, **more: Any) -> LabelCohort:
    return LabelCohort(NOW, NOW + timedelta(hours=1), more.pop("is_mature", True), champion, candidate, **more)


def labelled(reading: Reading, terms: AccuracyTerms, *cohorts: LabelCohort) -> GateResult:
    return judged(calls(reading, 10_000, 10_000), terms, facts=Facts(labels=cohorts))


def test_a_candidate_that_is_wrong_more_often_is_harmful() -> None:
    found = labelled(reading_at(1000), AccuracyTerms(), cohort(LabelledArm(5000, 4500), LabelledArm(5000, 4000)))

    assert found.verdict is Verdict.HARMFUL
    assert found.estimate == pytest.approx(0.1)


def test_only_mature_cohorts_with_labels_of_both_arms_count() -> None:
    bad = LabelledArm(5000, 0)
    found = labelled(
        reading_at(1000),
        AccuracyTerms(),
        cohort(LabelledArm(500, 450), LabelledArm(500, 450)),
        cohort(LabelledArm(5000, 5000), bad, is_mature=False),
        cohort(LabelledArm(0, 0), bad),
    )

    assert found.verdict is Verdict.PASSED
    assert (found.n_a, found.n_b) == (500, 500)


def test_without_labels_the_gate_says_so_and_passes_unless_they_are_required() -> None:
    found = labelled(reading_at(1000), AccuracyTerms())

    assert found.verdict is Verdict.PASSED
    assert "none are required" in found.message
    assert labelled(reading_at(1000), AccuracyTerms(require=True)).verdict is Verdict.UNDECIDED


NUMBERS = Moments(5000, 0.3, 200.0)
"""Absolute errors of probabilities."""


@pytest.mark.parametrize(
    "arm",
    [LabelledArm(5000, 0), LabelledArm(5000, 0, Moments(5000, 7.0, 9.0)), LabelledArm(5000, 40, NUMBERS)],
    ids=["never right", "numbers that are far off", "probabilities"],
)
def test_models_that_are_right_by_chance_alone_are_not_proved_by_accuracy(arm: LabelledArm) -> None:
    found = labelled(reading_at(1000), AccuracyTerms(prove=True), cohort(arm, arm))

    assert found.verdict is Verdict.UNDECIDED
    assert "use `metric: loss`" in found.message
    assert labelled(reading_at(1000), AccuracyTerms(require=True), cohort(arm, arm)).verdict is Verdict.UNDECIDED
    assert labelled(reading_at(1000), AccuracyTerms(), cohort(arm, arm)).verdict is Verdict.PASSED
    loss = AccuracyTerms(metric=Metric.LOSS, margin=0.5, prove=True)
    assert ("metric" in labelled(reading_at(1000), loss, cohort(arm, arm)).message) is False


def test_classes_that_are_numbers_are_compared_by_accuracy() -> None:
    arm = LabelledArm(5000, 4500, Moments(5000, 0.2, 2500.0))

    assert labelled(reading_at(1000), AccuracyTerms(prove=True, margin=0.1), cohort(arm, arm)).verdict is Verdict.PASSED


def test_pairs_show_a_loss_of_accuracy_that_the_arms_alone_do_not() -> None:
    champion, candidate = LabelledArm(1000, 800), LabelledArm(1000, 760)
    terms = AccuracyTerms(margin=0.01)

    found = labelled(reading_at(0), terms, cohort(champion, candidate, pairs=1000, gained=5, lost=45))

    assert labelled(reading_at(0), terms, cohort(champion, candidate)).verdict is not Verdict.HARMFUL
    assert (found.verdict, found.estimate) == (Verdict.HARMFUL, pytest.approx(0.04))


def losses(mean: float, n: int = 5000) -> LabelledArm:
    return LabelledArm(n, 0, Moments(n, mean, 0.25 * n))


def test_a_larger_loss_is_harmful_in_proportion_to_the_champions() -> None:
    terms = AccuracyTerms(metric=Metric.LOSS, margin=0.05)

    found = labelled(reading_at(1000), terms, cohort(losses(2.0), losses(2.4)))

    assert found.verdict is Verdict.HARMFUL
    assert found.estimate == pytest.approx(0.2)


def test_paired_losses_show_what_the_arms_alone_do_not() -> None:
    terms = AccuracyTerms(metric=Metric.LOSS, margin=0.005)
    arms = cohort(losses(2.0), losses(2.02))
    paired = cohort(losses(2.0), losses(2.02), differences=Moments(5000, 0.02, 0.5))

    assert labelled(reading_at(0), terms, arms).verdict is not Verdict.HARMFUL
    assert labelled(reading_at(0), terms, paired).verdict is Verdict.HARMFUL


def sliced(points: int, fill: Callable[[Any, bool], None]) -> Reading:
    reading = pairs(calls(reading_at(points), 5000, 5000), 5000)
    for number in range(10):
        (each,) = reading.slices.of({"country": f"c{number}"})
        fill(each, number == 7)
    return reading


def test_one_category_that_is_answered_otherwise_is_found_in_shadow() -> None:
    def fill(each: Any, is_bad: bool) -> None:
        each.pairs, each.disagreement = 100, 80 if is_bad else 3

    found = judged(sliced(0, fill), WorstSliceTerms())

    assert found.verdict is Verdict.HARMFUL
    assert "country = 'c7'" in found.message


def test_one_category_that_fails_is_found_in_a_canary() -> None:
    def fill(each: Any, is_bad: bool) -> None:
        each.requests, each.failures = [2000, 100], [10, 80 if is_bad else 1]

    assert judged(sliced(490, fill), WorstSliceTerms()).verdict is Verdict.HARMFUL


def test_one_category_whose_answers_drift_is_found_in_a_canary() -> None:
    def fill(each: Any, is_bad: bool) -> None:
        each.requests = [4000, 200]
        each.bins = [[2000, 2000, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 200, 0, 0, 0] if is_bad else [100, 100] + [0] * 6]

    found = judged(sliced(490, fill), WorstSliceTerms())

    assert found.verdict is Verdict.HARMFUL
    assert "answers where country = 'c7'" in found.message


def test_slices_that_fare_alike_are_no_harm() -> None:
    def fill(each: Any, is_bad: bool) -> None:
        each.pairs, each.disagreement = 100, 5

    found = judged(sliced(0, fill), WorstSliceTerms())

    assert found.verdict is Verdict.PASSED
    assert "worst of 10 comparisons" in found.message


def test_a_slice_with_hardly_any_requests_is_not_looked_at() -> None:
    def fill(each: Any, is_bad: bool) -> None:
        each.pairs, each.disagreement = 19, 19

    assert judged(sliced(0, fill), WorstSliceTerms()).verdict is Verdict.PASSED


def test_an_alert_about_the_candidate_is_harm_and_any_other_is_waited_for() -> None:
    spec = spec_of(10_000)

    def verdict(*alerts: OpenAlert) -> Verdict:
        return look(spec, spec.steps[0], reading_at(10_000), Facts(alerts=alerts))[0].verdict

    assert verdict() is Verdict.PASSED
    assert verdict(OpenAlert("drift", "psi 0.3", False)) is Verdict.UNDECIDED
    assert verdict(OpenAlert("drift", "psi 0.3", False), OpenAlert("p99", "slow", True)) is Verdict.HARMFUL


def test_the_levels_of_all_gates_and_steps_add_up_to_those_of_the_rollout() -> None:
    spec = usual_spec()
    levels = [budget_of(spec, step, 0) for step in spec.steps for terms in step.gates if terms.name != "alerts"]

    assert sum(each.harm for each in levels) == pytest.approx(spec.false_alarm)
    assert sum(each.proof for each in levels) == pytest.approx(spec.false_promotion)
