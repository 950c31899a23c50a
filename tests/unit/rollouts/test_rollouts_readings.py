"""What a step's traffic is boiled down to."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.rollouts.domain.assignment_readings import MOST_UNITS
from pierhead.rollouts.domain.halves import LONGEST_WAIT_MS, MOST_WAITING
from pierhead.rollouts.domain.latencies import EDGES, Latencies
from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.rollouts.domain.pair_readings import MOST_DIFFERENT
from pierhead.rollouts.domain.readings import SETTLING_MS, Reading, ReadingTerms, begin_reading, fold_all
from pierhead.rollouts.domain.specs import usual_spec
from pierhead.rollouts.domain.states import begin

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SINCE_MS = int(NOW.timestamp() * 1000)
SHADOW = ReadingTerms(points=0, shadow_rate=1.0, tolerance=0.1, sample=2, since_ms=SINCE_MS)
CANARY = ReadingTerms(points=100, shadow_rate=0.0, tolerance=0.1, sample=2, since_ms=SINCE_MS)


def seen(
    request_id: str = "r",
    route: Route = Route.PRIMARY,
    *,
    after_ms: int = 10_000,
    ending: Ending = Ending.ANSWERED,
    latency_ms: float = 5.0,
    scores: tuple[float | str, ...] | None = (0.5,),
    slices: dict[str, str] | None = None,
    bucket: int | None = None,
    unit: int | None = None,
) -> Observation:
    found = scores if ending is Ending.ANSWERED else None
    return Observation(
        request_id, SINCE_MS + after_ms, route, ending, latency_ms, found, slices or {}, bucket, unit, "answer"
    )


def pair(request_id: str, champion: float, candidate: float, **slices: str) -> Iterator[Observation]:
    yield seen(request_id, scores=(champion,), slices=slices)
    yield seen(request_id, Route.SHADOW, scores=(candidate,))


def test_a_reading_begins_with_the_terms_of_its_step() -> None:
    spec = usual_spec()

    terms = begin_reading(spec, begin(NOW)).terms

    assert terms == ReadingTerms(points=0, shadow_rate=1.0, tolerance=None, sample=250, since_ms=SINCE_MS)


def test_calls_are_counted_by_arm_and_by_how_they_ended() -> None:
    reading = fold_all(
        Reading(CANARY),
        [
            seen(route=Route.PRIMARY),
            seen(route=Route.PRIMARY, ending=Ending.CALLER_ERROR),
            seen(route=Route.CANDIDATE, ending=Ending.SERVER_ERROR),
            seen(route=Route.CANDIDATE, ending=Ending.TIMEOUT),
        ],
    )

    assert (reading.champion.requests, reading.champion.failures, reading.champion.refusals) == (2, 0, 1)
    assert (reading.candidate.requests, reading.candidate.failures) == (2, 2)
    assert reading.requests == 2
    # A quick refusal says nothing about how fast a model is.
    assert (reading.champion.latencies.total, reading.candidate.latencies.total) == (1, 1)


@pytest.mark.parametrize("after_ms", [-119_000, -1, 0, SETTLING_MS - 1])
def test_calls_that_belong_to_the_step_before_are_left_out(after_ms: int) -> None:
    reading = fold_all(Reading(CANARY), [seen(after_ms=after_ms)])

    assert reading.champion.requests == 0


@pytest.mark.parametrize("after_ms", [SETTLING_MS, -3_600_000])
def test_calls_count_after_the_change_and_when_the_clock_was_set_back(after_ms: int) -> None:
    reading = fold_all(Reading(CANARY), [seen(after_ms=after_ms)])

    assert reading.champion.requests == 1


@pytest.mark.parametrize("width", [1.0, 0.5, 0.01])
def test_a_quantile_of_latencies_is_off_by_two_percent_at_most(width: float) -> None:
    latencies = Latencies()
    for step in range(1000):
        latencies.add(10 + step * width)

    exact = 10 + 499 * width
    assert exact <= latencies.quantile(0.5) <= exact * 1.02


def test_latencies_from_nothing_to_longer_than_any_have_a_bucket() -> None:
    latencies = Latencies()
    for latency_ms in (0.0, 0.1, 0.1001, 300_000.0, 1e9):
        latencies.add(latency_ms)

    counts = latencies.dense()
    assert counts.sum() == 5
    assert counts[0] == 2
    assert counts[-1] >= 1
    assert EDGES[-2] >= 300_000


def test_every_latency_lies_within_the_edges_of_its_bucket() -> None:
    for exponent in range(1, 640):
        latency_ms = 0.1 * 1.0237**exponent
        latencies = Latencies()
        latencies.add(latency_ms)
        (place,) = latencies.counts
        assert EDGES[place] <= latency_ms * 1.0000001
        assert latency_ms <= EDGES[place + 1] * 1.0000001


def test_the_champions_first_answers_fix_the_scale_and_count_themselves() -> None:
    reading = Reading(CANARY)
    reading.fold(seen(route=Route.CANDIDATE, scores=(0.7,)))
    reading.fold(seen(scores=(0.2,)))
    assert reading.scale is None

    reading.fold(seen(scores=(0.4,)))

    assert reading.scale is not None
    assert reading.scale.edges == (0.2, 0.4)
    assert (reading.champion.bins, reading.candidate.bins) == ([1, 1, 0, 0], [0, 0, 1, 0])
    assert reading.early == []


@pytest.mark.parametrize("order", [1, -1], ids=["request first", "shadow first"])
def test_a_request_and_its_shadow_make_a_pair_whichever_comes_first(order: int) -> None:
    observations = [*pair("a", 0.1, 0.1), *pair("b", 0.5, 0.9)]

    reading = fold_all(Reading(SHADOW), observations[::order])

    assert (reading.pairs.pairs, reading.pairs.compared, reading.pairs.disagreement) == (2, 2, 1.0)
    assert reading.requests == 2
    assert reading.candidate.requests == 2


def test_a_shadow_that_fails_where_the_champion_answers_is_told_from_the_reverse() -> None:
    reading = fold_all(
        Reading(SHADOW),
        [
            seen("a"),
            seen("a", Route.SHADOW, ending=Ending.SERVER_ERROR),
            seen("b"),
            seen("b", Route.SHADOW, ending=Ending.CALLER_ERROR),
            seen("c", ending=Ending.TIMEOUT),
            seen("c", Route.SHADOW),
            seen("d", ending=Ending.SERVER_ERROR),
            seen("d", Route.SHADOW, ending=Ending.SERVER_ERROR),
            seen("e"),
            seen("e", Route.SHADOW, ending=Ending.DROPPED),
        ],
    )

    assert (reading.pairs.pairs, reading.pairs.candidate_failed, reading.pairs.champion_failed) == (4, 2, 1)
    assert reading.dropped == 1


def test_an_answer_that_cannot_be_read_differs_from_one_that_can() -> None:
    reading = fold_all(Reading(SHADOW), [*pair("a", 0.1, 0.1), *pair("b", 0.2, 0.2)])

    fold_all(reading, [seen("c"), seen("c", Route.SHADOW, scores=None)])

    assert reading.pairs.disagreement == 1.0
    assert reading.most_different()[0].difference is None


def test_a_request_of_many_rows_disagrees_by_the_share_of_rows_that_do() -> None:
    reading = fold_all(Reading(SHADOW), [*pair("a", 0.1, 0.1), *pair("b", 0.2, 0.2)])

    fold_all(reading, [seen("c", scores=(1.0, 2.0, 3.0, 4.0)), seen("c", Route.SHADOW, scores=(1.0, 2.0, 3.0, 5.0))])

    assert reading.pairs.disagreement == 0.25


def test_the_most_different_requests_are_kept_and_no_more() -> None:
    reading = fold_all(
        Reading(SHADOW), [each for number in range(100) for each in pair(f"r{number}", 0.0, number / 100)]
    )

    kept = reading.most_different()
    assert len(kept) == MOST_DIFFERENT
    assert [each.request_id for each in kept[:2]] == ["r99", "r98"]


def test_pairs_that_disagree_are_told_by_slice() -> None:
    reading = fold_all(
        Reading(SHADOW),
        [
            each
            for number in range(20)
            for each in pair(f"r{number}", 0.5, 0.9 if number % 2 else 0.5, country="FR" if number % 2 else "DE")
        ],
    )

    found = {value: (each.pairs, each.disagreement) for _, value, each in reading.slices}
    assert found == {"DE": (10, 0), "FR": (10, 10)}


def test_a_feature_with_many_values_is_no_category() -> None:
    reading = fold_all(Reading(CANARY), [seen(slices={"id": str(number), "c": "x"}) for number in range(30)])

    assert {column for column, _, _ in reading.slices} == {"c"}


def test_of_many_features_ten_are_kept() -> None:
    slices = {f"column {number}": "x" for number in range(50)}

    reading = fold_all(Reading(CANARY), [seen(slices=slices)])

    assert len(list(reading.slices)) == 10


def test_a_request_counts_for_whom_it_was_meant_for_though_the_candidate_was_away() -> None:
    reading = fold_all(
        Reading(CANARY), [seen(bucket=50), seen(bucket=500), seen(bucket=99, route=Route.CANDIDATE), seen(bucket=100)]
    )

    counts = reading.assignments
    assert (counts.champion, counts.candidate, counts.diverted) == (2, 2, 1)


def test_a_unit_counts_once_however_often_it_asks() -> None:
    reading = fold_all(Reading(CANARY), [seen(bucket=5, unit=20_005, route=Route.CANDIDATE)] * 50)

    assert reading.assignments.candidate == 1
    assert reading.candidate.requests == 50


def test_of_very_many_units_a_sample_that_is_fair_is_counted() -> None:
    reading = Reading(ReadingTerms(2500, 0.0, None, 2, SINCE_MS))
    for number in range(30_000):
        unit = (number * 0x9E3779B97F4A7C15 + 12345) % 2**64
        bucket = unit % 10_000
        reading.fold(seen(bucket=bucket, unit=unit, route=Route.CANDIDATE if bucket < 2500 else Route.PRIMARY))

    counts = reading.assignments
    assert len(counts.seen) <= MOST_UNITS
    assert MOST_UNITS < counts.champion + counts.candidate < 30_000
    assert counts.candidate / (counts.champion + counts.candidate) == pytest.approx(0.25, abs=0.02)


def test_halves_that_never_find_each_other_are_given_up() -> None:
    reading = Reading(SHADOW)
    for number in range(3 * MOST_WAITING):
        reading.fold(seen(f"r{number}"))
    assert len(list(reading.halves)) == MOST_WAITING

    reading.fold(seen("late", after_ms=20_000 + LONGEST_WAIT_MS))

    assert len(list(reading.halves)) == 1


def test_readings_with_different_scales_are_not_added() -> None:
    one = fold_all(Reading(CANARY), [seen(scores=(1.0,)), seen(scores=(2.0,))])
    other = fold_all(Reading(CANARY), [seen(scores=(3.0,)), seen(scores=(4.0,))])

    with pytest.raises(InvalidArgument, match="different scales"):
        one.merge(other)


def test_a_reading_of_very_much_traffic_stays_small() -> None:
    reading = Reading(SHADOW)
    for number in range(5000):
        slices = {f"c{column}": str((number + column) % 20) for column in range(12)}
        request_id = f"a rather long request id {number}"
        reading.fold(seen(request_id, scores=(number % 7 / 7,), slices=slices, latency_ms=1 + number % 977))
        reading.fold(seen(request_id, Route.SHADOW, scores=(number % 5 / 5,), latency_ms=1 + number % 1013))

    text = json.dumps(reading.to_json())
    assert len(text) < 40_000
    assert Reading.from_json(json.loads(text)).to_json() == reading.to_json()


def test_twenty_thousand_observations_a_second_are_counted_on_one_core() -> None:
    reading = Reading(SHADOW)
    observations = [
        each
        for number in range(2000)
        for each in pair(f"r{number}", number % 11 / 11, number % 7 / 7, country=str(number % 5), plan=str(number % 3))
    ]

    began = time.process_time()
    fold_all(reading, observations)

    assert len(observations) / (time.process_time() - began) > 20_000


def test_the_step_of_an_hour_reads_calls_of_that_hour() -> None:
    terms = begin_reading(usual_spec(), begin(NOW + timedelta(hours=1))).terms

    assert terms.since_ms - SINCE_MS == 3_600_000
