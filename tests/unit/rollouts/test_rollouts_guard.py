"""Which changes of an endpoint's config are let through."""

from dataclasses import replace

import pytest

from pierhead.rollouts.domain.guard import (
    GuardFacts,
    Mode,
    RolloutPolicy,
    Rule,
    RulingKind,
    Share,
    Version,
    judge,
)
from pierhead.rollouts.domain.guard_yaml import InvalidRolloutPolicy, default_policy, parse_policy

OLD, NEW, OTHER = (Version("main.fraud.model", number, f"digest {number}") for number in "123")
LIVE = [Share(OLD, 10_000)]
FACTS = GuardFacts("fraud", {"environment": "production"})
ENFORCE = RolloutPolicy((Rule(Mode.ENFORCE, override_groups=frozenset({"ml-leads"})),))


def kind(
    after: list[Share],
    *,
    before: list[Share] | None = None,
    policy: RolloutPolicy = ENFORCE,
    proved: tuple[Version, ...] = (),
    facts: GuardFacts = FACTS,
) -> RulingKind:
    return judge(policy, LIVE if before is None else before, after, proved, facts).kind


def test_a_version_that_never_stood_a_canary_gets_no_more_than_five_percent() -> None:
    assert kind([Share(OLD, 9500), Share(NEW, 500)]) is RulingKind.ALLOWED
    assert kind([Share(OLD, 9499), Share(NEW, 501)]) is RulingKind.REFUSED
    assert kind([Share(NEW, 10_000)]) is RulingKind.REFUSED


def test_entities_of_one_version_count_together() -> None:
    assert kind([Share(OLD, 9400), Share(NEW, 300), Share(NEW, 300)]) is RulingKind.REFUSED


def test_versions_that_never_stood_a_canary_have_five_percent_together() -> None:
    copy = Version("main.fraud.copy", "1", NEW.digest)
    assert kind([Share(OLD, 9500), Share(NEW, 250), Share(OTHER, 250)]) is RulingKind.ALLOWED
    assert kind([Share(OLD, 9000), Share(NEW, 500), Share(copy, 500)]) is RulingKind.REFUSED
    assert kind([Share(OLD, 9000), Share(NEW, 500), Share(OTHER, 500)], proved=(OTHER,)) is RulingKind.ALLOWED


def test_a_version_with_more_than_five_percent_may_have_everything() -> None:
    assert kind([Share(NEW, 10_000)], before=[Share(OLD, 9000), Share(NEW, 600), Share(NEW, 400)]) is RulingKind.ALLOWED
    assert kind([Share(NEW, 10_000)], before=[Share(OLD, 9600), Share(NEW, 400)]) is RulingKind.REFUSED


def test_a_version_that_was_proved_passes() -> None:
    assert kind([Share(NEW, 10_000)], proved=(NEW,)) is RulingKind.ALLOWED
    assert kind([Share(NEW, 5000), Share(OTHER, 5000)], proved=(NEW,)) is RulingKind.REFUSED


def test_other_files_under_the_same_number_are_another_version() -> None:
    assert kind([Share(replace(OLD, digest="other"), 10_000)]) is RulingKind.REFUSED


@pytest.mark.parametrize("before", [[], [Share(OLD, 0)]], ids=["nothing", "nothing with traffic"])
def test_a_first_deployment_is_not_held_up(before: list[Share]) -> None:
    assert kind([Share(NEW, 10_000)], before=before) is RulingKind.ALLOWED


def test_a_refusal_prints_the_command_that_starts_a_rollout() -> None:
    ruling = judge(ENFORCE, LIVE, [Share(NEW, 10_000)], (), FACTS)

    assert "\n  pierhead rollouts start fraud --model main.fraud.model --version 2\n" in ruling.message
    assert "100 %" in ruling.message
    assert ruling.versions == (NEW,)


def test_auto_makes_a_rollout_of_one_version_and_refuses_two() -> None:
    policy = RolloutPolicy((Rule(Mode.AUTO),))

    ruling = judge(policy, LIVE, [Share(NEW, 10_000)], (), FACTS)

    assert (ruling.kind, ruling.spec) == (RulingKind.ROLLOUT, None)
    two = judge(policy, LIVE, [Share(NEW, 5000), Share(OTHER, 5000)], (), FACTS)
    assert two.kind is RulingKind.REFUSED
    assert "A rollout leads one version to all of the traffic" in two.message


@pytest.mark.parametrize(("mode", "expected"), [(Mode.OFF, RulingKind.ALLOWED), (Mode.WARN, RulingKind.WARNED)])
def test_softer_modes_let_everything_through(mode: Mode, expected: RulingKind) -> None:
    assert kind([Share(NEW, 10_000)], policy=RolloutPolicy((Rule(mode),))) is expected


@pytest.mark.parametrize(
    ("groups", "reason", "expected"),
    [
        ({"ml-leads"}, "outage 42", RulingKind.ALLOWED),
        ({"ml-leads"}, " ", RulingKind.REFUSED),
        ({"users"}, "outage 42", RulingKind.REFUSED),
    ],
)
def test_an_override_needs_the_right_and_a_reason(groups: set[str], reason: str, expected: RulingKind) -> None:
    facts = replace(FACTS, groups=frozenset(groups), override=reason)

    ruling = judge(ENFORCE, LIVE, [Share(NEW, 10_000)], (), facts)

    assert ruling.kind is expected
    assert ruling.is_overridden == (expected is RulingKind.ALLOWED)


@pytest.mark.parametrize(
    ("facts", "mode"),
    [
        (GuardFacts("a", {"Environment": "Production"}), Mode.ENFORCE),
        (GuardFacts("a", serves_production=True), Mode.ENFORCE),
        (GuardFacts("a", {"environment": "test"}), Mode.WARN),
        (GuardFacts("a"), Mode.WARN),
    ],
    ids=["tagged", "stage", "other tag", "nothing"],
)
def test_without_a_rule_production_is_enforced_and_the_rest_warned(facts: GuardFacts, mode: Mode) -> None:
    assert default_policy().rule_of(facts).mode is mode


def test_the_first_rule_that_speaks_of_an_endpoint_decides() -> None:
    policy = parse_policy(b"""
override: {groups: [admins]}
rules:
- {endpoints: [demo-*, try], mode: off}
- tags: {team: risk}
  mode: auto
  override: {groups: [ml-leads]}
  spec: {steps: [{weight: 2}, {weight: 100}]}
- {mode: enforce}
""")

    assert policy.rule_of(GuardFacts("Demo-1", {"team": "risk"})).mode is Mode.OFF
    risk = policy.rule_of(GuardFacts("fraud", {"team": "risk", "x": "y"}))
    assert (risk.mode, risk.override_groups, risk.spec.steps[0].points) == (Mode.AUTO, {"ml-leads"}, 200)
    rest = policy.rule_of(GuardFacts("fraud"))
    assert (rest.mode, rest.override_groups) == (Mode.ENFORCE, {"admins"})


def test_everything_wrong_with_a_policy_is_told_at_once() -> None:
    raw = b"""\
rules:
- {endpoints: [a]}
- {mode: perhaps, tags: {}}
- {mode: auto, spec: {steps: [{weight: 50}, {weight: 100}]}}
owner: me
"""
    with pytest.raises(InvalidRolloutPolicy) as caught:
        parse_policy(raw)

    problems = "\n".join(caught.value.problems)
    for words in ("'mode' is missing", "none of off, warn, enforce, auto", "at least one tag", "canary", "'owner'"):
        assert words in problems
