"""Which plans prove that a version stood a canary."""

import pytest

from pierhead.rollouts.domain.proofs import canary_lacks, is_proof_worthy, shadow_lacks
from pierhead.rollouts.domain.spec_yaml import parse_spec
from pierhead.rollouts.domain.specs import usual_spec

SHADOW = "- {shadow_rate: 1, least_duration: 1h, least_requests: 1000}"
CANARY = "- {weight: 4.9, least_duration: 1h, least_requests: 1000}"
ALL = "- {weight: 100}"


def lacks(*steps: str, head: str = "", required: str | None = None) -> str:
    spec = parse_spec("\n".join([head, "steps:", *steps]).encode())
    return "; ".join(canary_lacks(spec, None if required is None else parse_spec(required.encode())))


def small(count: int, lasting: str, requests: int) -> list[str]:
    """Steps with less than 5 %, each with more than the one before."""
    return [
        f"- {{weight: {place / 10}, least_duration: {lasting}, least_requests: {requests}}}"
        for place in range(1, count + 1)
    ]


def test_the_usual_plan_proves_both() -> None:
    assert is_proof_worthy(usual_spec(), None)
    assert is_proof_worthy(usual_spec(), usual_spec())
    assert shadow_lacks(usual_spec(), None) == ()


def test_an_hour_and_a_thousand_requests_of_each_kind_are_the_least() -> None:
    assert lacks(SHADOW, CANARY, ALL) == ""
    assert "no step in shadow" in lacks(CANARY, ALL)
    assert "no step with at most 5 %" in lacks(SHADOW, CANARY.replace("1000", "999"), ALL)


def test_many_short_steps_are_not_a_long_one() -> None:
    assert "at most 30 of 1000 requests" in lacks(SHADOW, *small(40, "2m", 30), ALL)


def test_steps_that_share_the_level_of_alarms_are_limited() -> None:
    assert "divided among 22 steps" in lacks(SHADOW, *small(19, "1s", 1), CANARY, ALL)
    assert lacks(SHADOW, *small(4, "1s", 1), CANARY, ALL) == ""


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("false_alarm: 0.0001", "false_alarm"),
        ("gates: {errors: off}", "gate 'errors' at 4.9 % is off"),
        ("gates: {errors: {margin: 0.5}}", "gate 'errors' at 4.9 % is too lax"),
        ("quiet_after: 24h", "quiet_after"),
    ],
)
def test_laxer_gates_prove_nothing(head: str, told: str) -> None:
    assert told in lacks(SHADOW, CANARY, ALL, head=head)


def test_the_plan_of_a_rule_is_the_measure_where_it_has_one() -> None:
    required = "steps: [{weight: 4.9, least_duration: 1s, least_requests: 40}, {weight: 100}]"
    assert lacks("- {weight: 4.9, least_duration: 1s, least_requests: 40}", ALL, required=required) == ""
    assert "39 of 40" in lacks("- {weight: 4.9, least_duration: 1s, least_requests: 39}", ALL, required=required)
