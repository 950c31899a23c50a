"""What a step's traffic is boiled down to."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pierhead.gateway.records import InferenceRecord
from pierhead.kit.errors import InvalidArgument
from pierhead.rollouts.domain.assignment_readings import MOST_UNITS
from pierhead.rollouts.domain.halves import LONGEST_WAIT_MS, MOST_WAITING
from pierhead.rollouts.domain.latencies import EDGES, Latencies
from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.rollouts.domain.pair_readings import MOST_DIFFERENT
from pierhead.rollouts.domain.readings import (
    SETTLING_MS,
    Reading,
    ReadingTerms,
    begin_reading,
    fold_all,
    since_ms_of,
)
from pierhead.rollouts.domain.specs import OnHold, usual_spec
from pierhead.rollouts.domain.states import Status, begin, resume, seen_at
from pierhead.rollouts.services.folding import fold

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

    assert terms == ReadingTerms(points=0, shadow_rate=1.0, tolerance=None, sample=64, since_ms=SINCE_MS)


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


@pytest.mark.parametrize("after_ms", [-3_600_000, -119_000, -1, 0, SETTLING_MS - 1])
def test_calls_that_belong_to_the_step_before_are_left_out(after_ms: int) -> None:
    reading = fold_all(Reading(CANARY), [seen(after_ms=after_ms)])

    assert reading.champion.requests == 0


def test_calls_count_once_gateways_have_followed() -> None:
    reading = fold_all(Reading(CANARY), [seen(after_ms=SETTLING_MS)])

    assert reading.champion.requests == 1


def test_a_clock_that_was_set_back_takes_the_beginning_of_the_step_with_it() -> None:
    spec = replace(usual_spec(), steps=usual_spec().steps[1:])
    state = seen_at(replace(begin(NOW), looked_at=NOW + timedelta(minutes=5)), NOW - timedelta(minutes=55))
    reading = begin_reading(spec, begin(NOW))

    reading.begin_at(since_ms_of(spec, state))
    fold_all(reading, [seen(after_ms=-3_600_000 + SETTLING_MS), seen(after_ms=-3_600_000)])

    assert reading.champion.requests == 1


def test_a_candidate_whose_traffic_was_withdrawn_is_read_since_it_has_it_again() -> None:
    spec = replace(usual_spec(), on_hold=OnHold.WITHDRAW)
    held = replace(begin(NOW), status=Status.HELD, looked_at=NOW + timedelta(hours=1))

    state = resume(held, NOW + timedelta(hours=2))

    assert since_ms_of(spec, state) - SINCE_MS == 7_200_000
    assert since_ms_of(usual_spec(), state) == SINCE_MS


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
    assert reading.early.answers == []


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
    assert len(text) < 60_000
    assert Reading.from_json(json.loads(text)).to_json() == reading.to_json()


def test_a_reading_of_large_answers_stays_small_while_they_wait_and_is_smaller_when_its_step_is_over() -> None:
    reading = Reading(replace(SHADOW, tolerance=None, sample=64))
    rows = tuple(number / 7 for number in range(1000))
    for number in range(3000):
        slices = {f"column {column}": f"a long value {column}" for column in range(40)}
        reading.fold(seen(f"r{number}", scores=rows, slices=slices))
    waiting = len(json.dumps(reading.to_json()))

    reading.close()

    assert waiting < 700_000
    assert len(json.dumps(reading.to_json())) < 10_000


def test_a_request_that_gateways_did_not_copy_waits_for_nothing() -> None:
    reading = fold_all(Reading(replace(SHADOW, shadow_rate=0.1)), [seen(f"r{number}") for number in range(400)])

    assert 20 < len(list(reading.halves)) < 60


def test_a_request_whose_copy_was_dropped_waits_for_nothing() -> None:
    reading = fold_all(Reading(SHADOW), [seen("a"), seen("a", Route.SHADOW, ending=Ending.DROPPED)])

    assert list(reading.halves) == []


def test_answers_that_cannot_be_read_are_counted_in_both_arms_and_by_slice() -> None:
    answers = [
        seen(scores=(0.2,), slices={"c": "x"}),
        seen(scores=None, slices={"c": "x"}),
        seen(scores=(0.4,), slices={"c": "x"}),
        seen(route=Route.CANDIDATE, scores=(0.2,), slices={"c": "x"}),
        *[seen(route=Route.CANDIDATE, scores=None, slices={"c": "x"})] * 3,
    ]

    for order in (answers, answers[::-1]):
        reading = fold_all(Reading(CANARY), order)
        assert reading.answers() == ([1, 1, 0, 0, 1], [1, 0, 0, 0, 3])
        ((_, _, slice_reading),) = reading.slices
        assert [bins[-1] for bins in slice_reading.bins] == [1, 3]


def test_requests_of_one_id_are_one_unit_of_the_sample_ratio() -> None:
    reading = Reading(CANARY)

    fold(reading, [record("always the same", b'{"predictions": [1]}', unit_hash="00000000000000ff")] * 30)

    assert (reading.assignments.champion, reading.champion.requests) == (1, 30)


def test_columns_that_the_endpoint_masks_reach_no_slice_and_no_excerpt() -> None:
    reading = Reading(SHADOW)
    for number in range(8):
        answer = json.dumps({"predictions": [{"score": number, "ssn": f"secret {number}"}]}).encode()
        other = answer.replace(b'"score": ', b'"score": 1')
        fold(reading, [record(f"r{number}", answer), record(f"r{number}", other, route="shadow")], {"ssn", "city"})

    assert reading.pairs.compared == 8
    assert {column for column, _, _ in reading.slices} == {"plan"}
    text = json.dumps(reading.to_json())
    assert "most_different" in text
    assert "secret" not in text
    assert "Bonn" not in text


def record(request_id: str, answer: bytes, *, route: str = "primary", unit_hash: str | None = None) -> InferenceRecord:
    return InferenceRecord(
        request_id=f"{request_id}-copy" if route == "shadow" else request_id,
        client_request_id=None,
        timestamp_ms=SINCE_MS + 10_000,
        status_code=200,
        execution_duration_ms=5.0,
        sampling_rate=1.0,
        request=b'{"dataframe_records": [{"city": "Bonn", "ssn": "secret", "plan": "a"}]}',
        request_content_type="application/json",
        response=answer,
        logging_error_codes=[],
        endpoint_name="fraud",
        endpoint_id="e",
        config_version=1,
        served_entity_id="s",
        served_entity_name="model-1",
        model_name="m",
        model_version="1",
        requester="ada",
        queue_ms=0.0,
        predict_ms=5.0,
        error_code=None,
        route=route,
        bucket=500,
        unit_hash=unit_hash,
        shadow_of=request_id if route == "shadow" else None,
    )


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
