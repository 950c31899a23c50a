"""Units in bounded memory: the sample forgets nothing that it should know, and survives a round trip."""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.rollouts.domain.abtest_readings import ABReading
from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.rollouts.domain.unit_samples import MOST_UNITS, UnitSample

UNITS = st.integers(0, 2**64 - 1)


@given(st.lists(st.tuples(UNITS, st.integers(0, 2))))
def test_a_unit_stays_with_the_arm_that_it_was_first_seen_in(calls: list[tuple[int, int]]) -> None:
    sample, first = UnitSample(), dict[int, int]()
    for unit, arm in calls:
        assert sample.first_seen(unit, arm) == first.setdefault(unit, arm)
    assert len(sample) == len(first)


@given(st.lists(st.tuples(UNITS, st.integers(0, 1), st.floats(-5, 5)), max_size=40))
@settings(max_examples=40)
def test_a_reading_survives_being_written_down(calls: list[tuple[int, int, float]]) -> None:
    reading = ABReading(2)
    for unit, arm, score in calls:
        reading.fold(arm, _observation(unit, score), ("city",))
    again = ABReading.from_json(json.loads(json.dumps(reading.to_json())))
    assert again.to_json() == reading.to_json()
    assert again.units == reading.units


def test_of_many_units_a_fair_sample_is_kept_and_their_number_is_known() -> None:
    draw, sample = random.Random(3), UnitSample()
    units = [draw.getrandbits(64) for _ in range(100_000)]
    for unit in units:
        sample.first_seen(unit, unit % 2)
    assert len(sample) <= MOST_UNITS
    assert abs((len(sample) << sample.shift) / len(units) - 1) < 0.06


def _observation(unit: int, score: float) -> Observation:
    return Observation("r", 0, Route.PRIMARY, Ending.ANSWERED, 5.0, (score,), {"city": f"{unit % 3}"}, None, unit)
