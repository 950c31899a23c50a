"""What an A/B test says of readings that are known."""

import random

import pytest

from pierhead.rollouts.domain.abtest_readings import MOST_VALUES, OTHERS, ABReading
from pierhead.rollouts.domain.abtest_reports import report_of
from pierhead.rollouts.domain.abtests import ABTestSpec, Arm, Metric
from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.statistics.sequential.means import Moments

ARMS = (Arm("a", "1", "c.s.m", "1", 5000), Arm("b", "2", "c.s.m", "2", 5000))


def observation(
    score: float, *, ending: Ending = Ending.ANSWERED, unit: int | None = None, city: str = "x"
) -> Observation:
    return Observation("r", 0, Route.PRIMARY, ending, 5.0 + score, (score,), {"city": city}, None, unit)


def no_outcomes(_metric: Metric) -> list[Moments]:
    raise AssertionError("nobody asks for what is not measured")


def test_looks_at_every_request_of_equal_arms_find_nothing_as_often_as_promised() -> None:
    draw, found = random.Random(1), 0
    spec = ABTestSpec(ARMS, (Metric.SCORE, Metric.ERROR_RATE), alpha=0.1)
    for _ in range(40):
        reading = ABReading(2)
        is_found = False
        for look in range(10):
            for i in range(60):
                ending = Ending.SERVER_ERROR if draw.random() < 0.05 else Ending.ANSWERED
                reading.fold(i % 2, observation(draw.gauss(0, 1), ending=ending), ())
            is_found = is_found or any(
                each.says != "undecided" for each in report_of(spec, reading, no_outcomes).findings
            )
            assert look < 10
        found += is_found
    assert found <= 6


def test_slices_that_nobody_was_seen_in_yet_count_as_comparisons() -> None:
    reading, sliced = ABReading(2), ABReading(2)
    draw = random.Random(3)
    for i in range(400):
        score = draw.gauss(0.6 * (i % 2), 1)
        reading.fold(i % 2, observation(score), ())
        sliced.fold(i % 2, observation(score), ("city",))
    few, many = ABTestSpec(ARMS, (Metric.SCORE,)), ABTestSpec(ARMS, (Metric.SCORE,), slices=("city",))
    alone = report_of(few, reading, no_outcomes).findings[0]
    among = report_of(many, sliced, no_outcomes).findings[0]
    assert 0 < alone.p < 0.01
    assert among.p == pytest.approx(min(1.0, alone.p * (1 + MOST_VALUES + 1)))
    assert among.lower is not None
    assert alone.lower is not None
    assert among.lower < alone.lower


def test_outcomes_are_read_once_for_all_arms_and_what_cannot_be_read_is_told() -> None:
    asked: list[Metric] = []

    def outcomes(metric: Metric) -> str:
        asked.append(metric)
        return "no such table"

    third = Arm("c", "3", "c.s.m", "3", 100)
    found = report_of(ABTestSpec((*ARMS, third), (Metric.LOSS,)), ABReading(3), outcomes).findings
    assert asked == [Metric.LOSS]
    assert [(each.arm, each.says, each.note) for each in found] == [
        ("b", "cannot be read", "no such table"),
        ("c", "cannot be read", "no such table"),
    ]


def test_intervals_agree_with_what_is_said() -> None:
    reading = ABReading(2)
    draw = random.Random(2)
    for i in range(800):
        reading.fold(i % 2, observation(draw.gauss(0.5 * (i % 2), 1)), ())
    (finding,) = report_of(ABTestSpec(ARMS, (Metric.SCORE,)), reading, no_outcomes).findings
    assert finding.says == "higher"
    assert finding.lower is not None
    assert finding.lower > 0


def test_what_callers_spoiled_is_a_unit_and_no_failure() -> None:
    reading = ABReading(2)
    reading.fold(0, observation(1.0, ending=Ending.CALLER_ERROR), ())
    reading.fold(0, observation(1.0, ending=Ending.TIMEOUT), ())
    assert (reading.arms[0].units, reading.arms[0].judged, reading.arms[0].failures) == (2, 1, 1)


def test_a_metric_of_labels_is_asked_for_where_somebody_has_it() -> None:
    spec = ABTestSpec(ARMS, (Metric.REVENUE,))
    moments = [Moments.of([1.0, 2.0] * 200), Moments.of([3.0, 4.0] * 200)]
    (finding,) = report_of(spec, ABReading(2), lambda metric: moments if metric is Metric.REVENUE else []).findings
    assert (finding.difference, finding.says) == (2.0, "higher")


def test_a_column_of_many_values_ends_in_one_slice_of_the_others() -> None:
    reading = ABReading(2)
    for i in range(MOST_VALUES + 5):
        reading.fold(0, observation(1.0, city=f"c{i}"), ("city",))
    assert len(reading.slices["city"]) == MOST_VALUES + 1
    assert reading.slices["city"][OTHERS][0].units == 5


def test_a_unit_that_moves_to_another_arm_is_a_stray() -> None:
    reading = ABReading(2)
    for arm in (0, 1, 1):
        reading.fold(arm, observation(1.0, unit=7), ())
    assert (reading.strays, reading.arms[0].units, reading.arms[1].units) == (2, 1, 0)
