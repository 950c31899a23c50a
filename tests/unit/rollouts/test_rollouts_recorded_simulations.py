"""Rollouts of made-up records, from what gateways write down to the decision."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from pierhead.gateway.records import InferenceRecord
from pierhead.kit.clock import to_ms
from pierhead.rollouts.domain.decisions import Outcome, decide
from pierhead.rollouts.domain.gates.results import Facts
from pierhead.rollouts.domain.readings import begin_reading
from pierhead.rollouts.domain.specs import RolloutSpec, Step, usual_gates
from pierhead.rollouts.domain.states import begin
from pierhead.rollouts.services.folding import fold

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
RUNS, LOOKS, REQUESTS = 100, 5, 40
SPEC = RolloutSpec(
    (
        Step(0, 1.0, timedelta(minutes=5), 100, None, usual_gates(0, 1.0)),
        Step(10_000, 0.0, timedelta(), 0, None, ()),
    )
)
RECORD = InferenceRecord(
    request_id="",
    client_request_id=None,
    timestamp_ms=0,
    status_code=200,
    execution_duration_ms=5.0,
    sampling_rate=1.0,
    request=b"",
    request_content_type="application/json",
    response=b"",
    logging_error_codes=[],
    endpoint_name="fraud",
    endpoint_id="e",
    config_version=1,
    served_entity_id="s",
    served_entity_name="model",
    model_name="m",
    model_version="1",
    requester="ada",
    queue_ms=0.0,
    predict_ms=5.0,
    error_code=None,
)
FIELDS = {name: getattr(RECORD, name) for name in RECORD.__struct_fields__}


def records(rng: np.random.Generator, first: int, at_ms: int, *, harm: float) -> Iterator[InferenceRecord]:
    """Requests with their copies. The candidate is off a little everywhere, and where `harm` strikes answers the
    opposite."""
    scores, noise = rng.random(REQUESTS), rng.normal(0, 0.02, REQUESTS)
    latencies, is_harmed = rng.lognormal(1.5, 0.4, (2, REQUESTS)), rng.random(REQUESTS) < harm
    for place in range(REQUESTS):
        number, score = first + place, float(scores[place])
        other = 1 - score if is_harmed[place] else score + float(noise[place])
        shared = FIELDS | {
            "timestamp_ms": at_ms,
            "request": json.dumps({"dataframe_records": [{"x": score, "country": f"c{number % 3}"}]}).encode(),
        }
        for route, answer, latency in (("primary", score, latencies[0]), ("shadow", other, latencies[1])):
            yield InferenceRecord(
                **shared
                | {
                    "request_id": f"r{number}{route}",
                    "shadow_of": f"r{number}primary" if route == "shadow" else None,
                    "route": route,
                    "response": json.dumps({"predictions": [answer]}).encode(),
                    "execution_duration_ms": float(latency[place]),
                }
            )


def shadow(rng: np.random.Generator, *, harm: float) -> tuple[Outcome, int]:
    """How a shadow ends within its looks, and after how many requests."""
    state, now = begin(BEGIN), BEGIN
    reading = begin_reading(SPEC, state)
    for look in range(LOOKS):
        now += timedelta(minutes=1)
        fold(reading, records(rng, look * REQUESTS, to_ms(now), harm=harm))
        decision = decide(SPEC, state, reading, Facts(), now)
        state = replace(decision.state)
        if decision.outcome is not Outcome.WAIT:
            return decision.outcome, (look + 1) * REQUESTS
    return Outcome.WAIT, LOOKS * REQUESTS


def test_a_hundred_harmless_candidates_pass_their_shadow_but_for_the_stated_share() -> None:
    rng = np.random.default_rng(20260310)

    ends = Counter(shadow(rng, harm=0.0)[0] for _ in range(RUNS))

    assert ends[Outcome.ROLL_BACK] + ends[Outcome.HOLD] <= 0.05 * RUNS
    assert ends[Outcome.PROMOTE] >= 0.95 * RUNS


def test_a_hundred_candidates_that_often_answer_the_opposite_are_caught_in_their_shadow() -> None:
    rng = np.random.default_rng(20260311)

    ends = [shadow(rng, harm=0.5) for _ in range(RUNS)]

    caught = [requests for outcome, requests in ends if outcome is Outcome.ROLL_BACK]
    assert len(caught) >= 0.95 * RUNS
    assert sorted(caught)[RUNS // 2] <= 120
