"""Specs of rollouts, as values and as YAML."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pierhead.rollouts.domain.gate_terms import DisagreementTerms, ErrorTerms, Metric, OnHarm
from pierhead.rollouts.domain.spec_yaml import InvalidSpec, parse_spec, spec_yaml
from pierhead.rollouts.domain.specs import OnHold, OnMaxDuration, usual_gates, usual_spec


def names(gates: tuple[object, ...]) -> list[str]:
    return [terms.name for terms in gates]  # type: ignore[attr-defined]


def test_the_usual_rollout_goes_from_shadow_over_a_canary_below_five_percent_to_everything() -> None:
    spec = usual_spec()

    assert [step.weight for step in spec.steps] == [0, 1, 4.9, 10, 25, 50, 100]
    assert spec.steps[0].shadow_rate == 1
    assert spec.steps[0].least_requests == 1000
    assert spec.steps[2].least_duration == timedelta(hours=24)


def test_gates_come_in_one_order_whatever_the_step() -> None:
    assert names(usual_gates(0, 1.0)) == [
        "errors",
        "latency",
        "scores",
        "disagreement",
        "accuracy",
        "worst_slice",
        "alerts",
    ]
    assert names(usual_gates(100, 0.0))[0] == "sample_ratio"
    assert names(usual_gates(100, 0.5))[4] == "disagreement"
    assert names(usual_gates(10_000, 0.0)) == ["alerts"]


@pytest.mark.parametrize("raw", [b"", b"{}", b"# nothing\n"])
def test_an_empty_document_is_the_usual_rollout(raw: bytes) -> None:
    assert parse_spec(raw) == usual_spec()


def test_what_is_written_is_read_again_as_the_same() -> None:
    spec = replace(usual_spec(), on_hold=OnHold.WITHDRAW, on_max_duration=OnMaxDuration.ROLL_BACK, false_alarm=0.01)

    assert parse_spec(spec_yaml(spec).encode()) == spec


def test_terms_of_a_step_replace_those_for_all_steps() -> None:
    spec = parse_spec(b"""
gates: {errors: {margin: 0.01}, disagreement: {tolerance: 0.2}, latency: off}
steps:
- {shadow_rate: 0.5, least_duration: 30m, least_requests: 50, max_duration: never}
- weight: 4.99
  gates:
    errors: {margin: 0.02, prove: true}
    accuracy: {metric: loss, require: true, on_harm: hold}
- {weight: 100}
""")

    shadow, canary, everything = spec.steps
    assert shadow.gates[0] == ErrorTerms(margin=0.01)
    assert DisagreementTerms(tolerance=0.2) in shadow.gates
    assert "latency" not in names(shadow.gates) + names(canary.gates)
    assert shadow.max_duration is None
    assert canary.points == 499
    assert ErrorTerms(margin=0.02, prove=True) in canary.gates
    accuracy = next(terms for terms in canary.gates if terms.name == "accuracy")
    assert (accuracy.metric, accuracy.require, accuracy.on_harm) == (Metric.LOSS, True, OnHarm.HOLD)
    assert everything.is_promotion
    assert parse_spec(spec_yaml(spec).encode()) == spec


def test_a_shadow_alone_is_allowed_and_open_ended() -> None:
    assert parse_spec(b"steps: [{shadow_rate: 0.1, max_duration: never}]").is_open_ended


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"steps: [{weight: 10}, {weight: 100}]", "none before it is a canary"),
        (b"steps: [{shadow_rate: 1}, {weight: 5.01}, {weight: 100}]", "start with at most 5"),
        (b"steps: [{weight: 1}, {weight: 10}]", "last step must have a weight of 100"),
        (b"steps: [{weight: 4}, {weight: 2}, {weight: 100}]", "weights must rise"),
        (b"steps: [{weight: 1}, {shadow_rate: 1}, {weight: 100}]", "come before"),
        (b"steps: []", "no steps"),
        (b"steps: [{least_requests: 5}, {weight: 100}]", "a `weight` (percent) or a `shadow_rate` (0-1) is needed"),
        (b"steps: [{weight: 1.005}, {weight: 100}]", "two decimals"),
        (b"steps: [{weight: 1, least_duration: 2h, max_duration: 1h}, {weight: 100}]", "longer than"),
        (b"steps: [{weight: 1, gates: {disagreement: {margin: 0.1}}}, {weight: 100}]", "nothing to compare"),
        (b"steps: [{weight: 1}, {weight: 100, shadow_rate: 1}]", "nothing is left to copy"),
        (b"false_alarm: 2", "a probability"),
        (b"gates: {errors: {margin: -1}}", "from 0 to 10"),
        (b"gates: {erors: {}}", "'erors' means nothing here"),
        (b"on_hold: run away", "none of keep, withdraw"),
        (b"a: *b", "alias"),
    ],
    ids=lambda value: value.decode()[:60] if isinstance(value, bytes) else "",
)
def test_what_makes_no_sense_is_refused_by_name(raw: bytes, words: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(raw)

    assert words in caught.value.message


def test_every_problem_is_told_at_once_with_its_line() -> None:
    raw = b"""\
quiet_after: soon
steps:
- weight: 50
  least_requests: many
- weight: 100
  gates: {errors: {}}
"""
    with pytest.raises(InvalidSpec) as caught:
        parse_spec(raw)

    problems = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for words in ("quiet_after (line 1)", "steps[0].least_requests (line 4)", "'errors' has nothing", "is a canary"):
        assert words in problems
