"""What holds of rollouts whatever the traffic, the spec and the clock."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pierhead.rollouts.domain.decisions import Outcome, decide
from pierhead.rollouts.domain.gate_terms import AccuracyTerms, DisagreementTerms, ErrorTerms, Metric, OnHarm
from pierhead.rollouts.domain.gates.results import Facts
from pierhead.rollouts.domain.guard import GuardFacts, Mode, RolloutPolicy, Rule, RulingKind, Share, Version, judge
from pierhead.rollouts.domain.observations import Ending, Observation, Route, observe
from pierhead.rollouts.domain.readings import Reading, ReadingTerms, begin_reading, fold_all
from pierhead.rollouts.domain.scores import Score, differ, distance, scores_of
from pierhead.rollouts.domain.slices import slices_of
from pierhead.rollouts.domain.spec_yaml import parse_spec, spec_yaml
from pierhead.rollouts.domain.specs import (
    OnHold,
    OnMaxDuration,
    RolloutSpec,
    Step,
    spec_problems,
    usual_gates,
    usual_spec,
)
from pierhead.rollouts.domain.states import Status, begin, seen_at, traffic_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SINCE_MS = int(NOW.timestamp() * 1000)

numbers = st.floats(-1e6, 1e6, allow_nan=False)
scores = st.one_of(numbers, st.sampled_from(["a", "b", "c"]), st.just((0.2, 0.3, 0.5)), st.tuples(numbers, numbers))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    ending = draw(st.sampled_from(Ending))
    return Observation(
        f"r{draw(st.integers(0, 30))}",
        SINCE_MS + draw(st.integers(3_000, 100_000)),
        draw(st.sampled_from(Route)),
        ending,
        draw(st.floats(0, 400_000)),
        tuple(draw(st.lists(scores, min_size=1, max_size=3))) if ending is Ending.ANSWERED else None,
        draw(st.dictionaries(st.sampled_from("xyz"), st.sampled_from("123"), max_size=3)),
        draw(st.none() | st.integers(0, 9999)),
        draw(st.none() | st.integers(0, 2**64 - 1)),
        draw(st.text(max_size=5)),
    )


terms = st.builds(
    ReadingTerms,
    points=st.sampled_from([0, 490]),
    shadow_rate=st.sampled_from([0.5, 1.0]),
    tolerance=st.none() | st.floats(0, 10),
    sample=st.integers(1, 5),
    since_ms=st.just(SINCE_MS),
)


@given(terms, st.lists(observations(), max_size=40), st.lists(observations(), max_size=20))
@settings(max_examples=40)
def test_a_reading_goes_through_json_and_on_as_if_it_had_not(
    of: ReadingTerms, before: list[Observation], after: list[Observation]
) -> None:
    kept = fold_all(Reading(of), before)
    loaded = Reading.from_json(json.loads(json.dumps(kept.to_json())))

    assert loaded.to_json() == kept.to_json()
    assert fold_all(loaded, after).to_json() == fold_all(kept, after).to_json()


@given(st.lists(observations(), max_size=30), st.lists(observations(), max_size=30))
@settings(max_examples=40)
def test_counts_of_two_readings_add_up(one: list[Observation], other: list[Observation]) -> None:
    of = ReadingTerms(490, 0.0, 0.1, 1000, SINCE_MS)
    whole = fold_all(Reading(of), one + other)
    parts = fold_all(Reading(of), one)

    parts.merge(fold_all(Reading(of), other))

    for arm in ("champion", "candidate"):
        mine, all_of_it = getattr(parts, arm), getattr(whole, arm)
        assert (mine.endings, mine.latencies.counts) == (all_of_it.endings, all_of_it.latencies.counts)
    assert parts.dropped == whole.dropped
    assert sorted((c, v, each.to_json()) for c, v, each in parts.slices) == sorted(
        (c, v, each.to_json()) for c, v, each in whole.slices
    )


@given(json_values, st.booleans())
@settings(max_examples=40)
def test_any_answer_gives_scores_that_json_can_keep(value: object, is_wrapped: bool) -> None:
    body = json.dumps({"predictions": value} if is_wrapped else value).encode()

    found = scores_of(body)

    assert found is None or json.loads(orjson.dumps(found)) is not None


@given(st.binary(max_size=60), st.integers(0, 3))
def test_bytes_of_any_kind_are_read_or_left_alone(body: bytes, row: int) -> None:
    assert isinstance(slices_of(body, row=row), dict)
    seen = observe(
        request_id="r",
        at_ms=1,
        route=Route.PRIMARY,
        status=200,
        error_code=None,
        latency_ms=1.0,
        request=body,
        response=body,
    )
    assert json.dumps(seen.excerpt)


@given(scores, scores, st.floats(0, 100))
@example((0.0, 0.0), (0.0, 1.0), 1.0)
def test_answers_are_compared_the_same_way_round_or_the_other(one: Score, other: Score, tolerance: float) -> None:
    assert distance(one, other) == distance(other, one)
    assert not differ(one, one, tolerance)
    assert differ(one, other, tolerance) == differ(other, one, tolerance)


@st.composite
def specs(draw: st.DrawFn) -> RolloutSpec:
    durations = st.integers(1, 10_000).map(lambda seconds: timedelta(seconds=seconds))
    weights = sorted(draw(st.sets(st.integers(501, 9_999), max_size=3)))
    own = [
        ErrorTerms(draw(st.floats(0, 1)), draw(st.booleans())),
        DisagreementTerms(0.2, draw(st.none() | st.floats(0, 5))),
        AccuracyTerms(metric=draw(st.sampled_from(Metric)), on_harm=draw(st.sampled_from(OnHarm))),
    ]

    def step(points: int, rate: float) -> Step:
        least = draw(durations)
        longest = draw(st.none() | durations.map(lambda more: least + more))
        gates = usual_gates(points, rate, own)
        kept = tuple(each for each in gates if draw(st.integers(0, 9)))
        return Step(points, rate, least, draw(st.integers(1, 5000)), longest, kept)

    live = [step(each, draw(st.sampled_from([0.0, 0.25]))) for each in (draw(st.integers(1, 500)), *weights)]
    everything = Step(10_000, 0.0, timedelta(), 0, None, usual_gates(10_000, 0.0))
    return RolloutSpec(
        (step(0, 1.0), *live, everything),
        false_alarm=draw(st.floats(0.001, 0.5)),
        on_hold=draw(st.sampled_from(OnHold)),
        on_max_duration=draw(st.sampled_from(OnMaxDuration)),
    )


@given(specs())
@settings(max_examples=30)
def test_any_spec_is_written_and_read_as_itself(spec: RolloutSpec) -> None:
    assert spec_problems(spec) == []
    assert parse_spec(spec_yaml(spec).encode()) == spec


moves = st.lists(
    st.tuples(st.integers(-100_000, 1_000_000), st.integers(0, 400), st.integers(0, 30)), min_size=1, max_size=30
)


@given(moves)
@settings(max_examples=50)
def test_whatever_comes_the_candidate_gets_what_its_state_says_and_more_only_by_one_step(
    moves: list[tuple[int, int, int]],
) -> None:
    spec = usual_spec()
    state, now = begin(NOW), NOW
    reading = begin_reading(spec, state)
    for seconds, requests, failed in moves:
        now += timedelta(seconds=seconds)
        arm = reading.candidate
        reading.champion.endings[Ending.ANSWERED] += requests * 10
        arm.endings[Ending.ANSWERED] += requests
        arm.endings[Ending.SERVER_ERROR] += failed
        reading.pairs.pairs += requests + failed
        reading.pairs.candidate_failed += failed
        arm.last_at_ms = int(now.timestamp() * 1000)

        decision = decide(spec, state, reading, Facts(), now)

        assert decision.traffic == traffic_of(spec, decision.state)
        assert decision.state.step - state.step == (decision.outcome is Outcome.ADVANCE)
        if decision.outcome in (Outcome.ADVANCE, Outcome.PROMOTE):
            assert reading.requests >= spec.steps[state.step].least_requests
            assert seen_at(state, now).elapsed(now) >= spec.steps[state.step].least_duration
            reading = begin_reading(spec, decision.state)
        if state.status is not Status.RUNNING:
            assert decision.outcome in (Outcome.WAIT, Outcome.ROLL_BACK)
        state = decision.state


versions = st.builds(Version, st.just("m"), st.sampled_from("123"), st.sampled_from("xy"))
shares = st.lists(st.builds(Share, versions, st.integers(0, 10_000)), max_size=4)


@given(shares, shares, st.sets(versions))
def test_what_the_guard_lets_through_it_lets_through_with_more_proof(
    before: list[Share], after: list[Share], proved: set[Version]
) -> None:
    policy = RolloutPolicy((Rule(Mode.ENFORCE),))
    ruling = judge(policy, before, after, proved, GuardFacts("e"))

    everything = proved | {share.version for share in after}
    assert judge(policy, before, after, everything, GuardFacts("e")).kind is RulingKind.ALLOWED
    assert judge(policy, before, before, proved, GuardFacts("e")).kind is RulingKind.ALLOWED
    if ruling.kind is RulingKind.REFUSED:
        assert judge(replace(policy, rules=(Rule(Mode.AUTO),)), before, after, proved, GuardFacts("e")).kind in (
            RulingKind.ROLLOUT,
            RulingKind.REFUSED,
        )
