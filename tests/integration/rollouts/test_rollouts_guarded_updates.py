"""The guard in front of official updates: what it lets pass, tells, refuses, and makes a rollout of."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from rollouts_rig import SHORT, Behaviour, RolloutRig
from sqlalchemy import Connection

from integration.serving.serving_rig import draft, spec
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.rollouts.domain.records import Override
from pierhead.rollouts.domain.rollouts import Rollout
from pierhead.rollouts.domain.spec_yaml import parse_spec
from pierhead.rollouts.domain.states import Status
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.overrides import Overrides
from pierhead.rollouts.services.policies import GuardPolicies
from pierhead.rollouts.store.guard import CanariedStore
from pierhead.serving.domain.endpoints import Endpoint, EntitySpec, Tag

ADA = Caller("u1", "ada", frozenset({"scientists"}))
LEA = Caller("u2", "lea", frozenset({"leads"}))
POLICY = """
override: {groups: [leads]}
rules:
- {endpoints: ["fraud"], mode: MODE}
"""


STRICT = b"""
steps:
- {shadow_rate: 1, least_duration: 1h, least_requests: 1000}
- {weight: 4.9, least_duration: 1h, least_requests: 1000}
- {weight: 100}
"""


class Production:
    """Versions that the registry holds in Production."""

    def __init__(self, *versions: str) -> None:
        self.versions = set(versions)
        self.is_trusted = True

    def may_vouch(self, _connection: Connection, _caller: Caller, _model_name: str) -> bool:
        return self.is_trusted

    def is_in_production(self, _connection: Connection, _model_name: str, model_version: str) -> bool:
        return model_version in self.versions


class GuardedRig:
    def __init__(self, rig: RolloutRig) -> None:
        self.rig = rig
        self.stages = Production()
        self.guard = Guard(rig.clock, rig.endpoints, self.stages)

    def mode(self, mode: str) -> None:
        with self.rig.database.transaction() as connection:
            GuardPolicies(connection, self.rig.clock).apply(POLICY.replace("MODE", mode), by="root")

    def update(self, *specs: EntitySpec, routes: Mapping[str, int] | None = None, by: Caller = ADA) -> Endpoint:
        """As the official call does it."""
        with self.rig.database.transaction() as connection:
            endpoints = self.rig.endpoints(connection)
            before = endpoints.get_locked("fraud")
            after = endpoints.update_config("fraud", draft(*specs, routes=routes), creator=by.user_name)
            self.guard.judge(connection, by, before, after)
            return endpoints.get("fraud")

    def start(self, *specs: EntitySpec, text: bytes = STRICT, routes: Mapping[str, int] | None = None) -> Rollout:
        """As the call of the API does it; without `specs` of the config that is pending."""
        with self.rig.database.transaction() as connection:
            return self.rig.rollouts(connection).start(
                "fraud",
                draft(*specs, routes=routes) if specs else None,
                parse_spec(text),
                creator="ada",
                admit=lambda before, after, plan: self.guard.vet(connection, ADA, before, after, plan),
            )

    def promote(self, by: Caller = ADA) -> Rollout:
        with self.rig.database.transaction() as connection:
            return self.rig.rollouts(connection).promote(
                "fraud",
                by=by.user_name,
                reason="",
                permit=lambda endpoint: self.guard.judge_promotion(connection, by, endpoint),
            )

    def tag(self, *, add: Sequence[Tag] = (), delete: Sequence[str] = ()) -> None:
        with self.rig.database.transaction() as connection:
            endpoints = self.rig.endpoints(connection)
            before = endpoints.get_locked("fraud")
            endpoints.patch_tags("fraud", add=list(add), delete=list(delete))
            self.guard.judge_tags(connection, ADA, before, endpoints.get("fraud"))

    def delete(self) -> None:
        with self.rig.database.transaction() as connection:
            endpoints = self.rig.endpoints(connection)
            self.guard.remember(connection, endpoints.get_locked("fraud"))
            endpoints.delete("fraud")

    def create(self, *specs: EntitySpec) -> None:
        with self.rig.database.transaction() as connection:
            endpoint = self.rig.endpoints(connection).create("fraud", draft(*specs), creator="ada")
            self.guard.judge(connection, ADA, None, endpoint)

    def canaried(self) -> set[str]:
        rollout = self.rig.get()
        with self.rig.database.reading() as connection:
            return set(CanariedStore(connection).digests_of(rollout.endpoint_id, [rollout.candidate.digest]))

    def override(self, by: Caller, reason: str = "hot fix", minutes: int = 15) -> Override:
        with self.rig.database.transaction() as connection:
            endpoint = self.rig.endpoints(connection).get("fraud")
            lasting = timedelta(minutes=minutes)
            return Overrides(connection, self.rig.clock, self.guard).give(endpoint, by, reason, lasting)


@pytest.fixture
def guarded(rig: RolloutRig) -> GuardedRig:
    return GuardedRig(rig)


def test_usually_it_warns_on_the_endpoint_and_lets_pass(guarded: GuardedRig) -> None:
    guarded.update(spec("2"))
    guarded.rig.serving.until_ready()
    warning = next(event for event in guarded.rig.serving.events() if event.startswith("not canaried"))
    assert "pierhead rollouts start fraud --model main.fraud.model --version 2" in warning


def test_enforced_it_refuses_with_the_command_to_start_a_rollout(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    with pytest.raises(PermissionDenied, match="pierhead rollouts start fraud --model"):
        guarded.update(spec("2"))
    assert guarded.rig.serving.get().pending is None
    # Less than a canary is no risk, and so is what answers already.
    both = (spec("1", name="model-1"), spec("2", name="model-2"))
    guarded.update(*both, routes={"model-1": 96, "model-2": 4})


@pytest.mark.parametrize("cause", ["tag", "stage"])
def test_what_is_production_is_enforced_without_a_policy(guarded: GuardedRig, cause: str) -> None:
    if cause == "tag":
        with guarded.rig.serving.endpoints() as endpoints:
            endpoints.patch_tags("fraud", add=[Tag("environment", "production")], delete=[])
    else:
        guarded.stages.versions.add("1")
    with pytest.raises(PermissionDenied):
        guarded.update(spec("2"))


def test_a_first_deployment_is_not_held_up(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    with guarded.rig.database.transaction() as connection:
        endpoint = guarded.rig.endpoints(connection).create("fraud-2", draft(spec("1")), creator="ada")
        guarded.guard.judge(connection, ADA, None, endpoint)


def test_auto_makes_a_rollout_of_the_official_call(guarded: GuardedRig) -> None:
    guarded.mode("auto, spec: {steps: [{weight: 4.9, least_duration: 1s, least_requests: 40}, {weight: 100}]}")
    after = guarded.update(spec("2"))
    assert after.pending is not None
    assert after.is_ramping
    rollout = guarded.rig.get()
    assert (rollout.created_by, rollout.candidate.model_version, len(rollout.spec.steps)) == ("ada", "2", 2)


def test_what_a_rollout_found_good_needs_no_second_one_and_neither_does_the_way_back(guarded: GuardedRig) -> None:
    guarded.mode("enforce, spec: {steps: [{weight: 4.9, least_duration: 1s, least_requests: 40}, {weight: 100}]}")
    guarded.start(spec("2"), text=SHORT)
    assert guarded.rig.until_over().state.status is Status.PROMOTED
    guarded.rig.serving.until_ready()
    # Version 1 had all the traffic before; version 2 was proved.
    for version in ("1", "2"):
        guarded.update(spec(version))
        guarded.rig.serving.until_ready()


def test_an_override_takes_the_named_right_and_a_reason_counts_once_and_is_told(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    with pytest.raises(PermissionDenied, match="lets leads go past it"):
        guarded.override(ADA)
    with pytest.raises(InvalidArgument, match="needs a reason"):
        guarded.override(LEA, reason=" ")
    guarded.override(LEA)
    guarded.update(spec("2"))
    guarded.rig.serving.until_ready()
    with pytest.raises(PermissionDenied):
        guarded.update(spec("3"))
    told = [event for event in guarded.rig.serving.events() if event.startswith("guard overridden")]
    assert told == ["guard overridden: ada went past the rollout policy with config version 2; lea gave leave: hot fix"]


def test_an_override_runs_out(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    guarded.override(LEA, minutes=1)
    guarded.rig.clock.advance(61)
    with pytest.raises(PermissionDenied):
        guarded.update(spec("2"))


def test_a_rollout_that_asks_for_nothing_is_refused_where_a_canary_is_asked_for(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    with pytest.raises(PermissionDenied, match="40 of 1000 requests"):
        guarded.start(spec("2"), text=SHORT)
    assert guarded.rig.serving.get().pending is None
    guarded.start(spec("2"))


@pytest.mark.parametrize("is_asked_before", [False, True])
def test_a_config_that_asks_for_little_gives_its_rollout_no_more(guarded: GuardedRig, is_asked_before: bool) -> None:
    guarded.mode("enforce")
    both, routes = (spec("1", name="model-1"), spec("2", name="model-2")), {"model-1": 96, "model-2": 4}
    far = b"""
gates: {errors: off, latency: off, scores: off}
steps:
- {weight: 1, least_duration: 1s, least_requests: 1}
- {weight: 99.99, least_duration: 1h, least_requests: 1}
- {weight: 100}
"""
    if is_asked_before:
        guarded.update(*both, routes=routes)
    with pytest.raises(PermissionDenied, match="prove less"):
        guarded.start(*(() if is_asked_before else both), text=far, routes=None if is_asked_before else routes)
    assert not guarded.rig.serving.get().is_ramping


def test_a_policy_that_becomes_stricter_holds_the_rollouts_that_prove_too_little(guarded: GuardedRig) -> None:
    guarded.mode("warn")
    guarded.start(spec("2"), text=SHORT)
    rollout, endpoint = guarded.rig.get(), guarded.rig.serving.get()
    with guarded.rig.database.reading() as connection:
        assert guarded.guard.why_not_promote(connection, endpoint, rollout) == ""
    guarded.mode("enforce")
    with guarded.rig.database.reading() as connection:
        assert "proves too little" in guarded.guard.why_not_promote(connection, endpoint, rollout)


def test_units_are_not_dealt_anew_while_something_unproved_answers(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    guarded.tag(add=[Tag("pierhead.unit_key", "header:x-customer")])
    both = (spec("1", name="model-1"), spec("2", name="model-2"))
    guarded.update(*both, routes={"model-1": 96, "model-2": 4})
    guarded.rig.serving.until_ready()
    with pytest.raises(PermissionDenied, match="more than its share"):
        guarded.tag(add=[Tag("pierhead.unit_key", "header:x-tenant")])


def test_where_it_only_warns_such_a_rollout_is_let_pass_and_proves_nothing(guarded: GuardedRig) -> None:
    guarded.mode("warn")
    guarded.start(spec("2"), text=SHORT)
    assert guarded.rig.until_over().state.status is Status.PROMOTED
    assert guarded.canaried() == set()
    assert guarded.rig.evidence.told == {}


def test_what_people_find_who_may_not_promote_the_model_is_no_evidence(guarded: GuardedRig) -> None:
    guarded.stages.is_trusted = False
    guarded.rig.candidate = Behaviour(status=lambda _i: 500)
    guarded.start(spec("2"), text=SHORT)
    assert guarded.rig.until_over().state.status is Status.ROLLED_BACK
    assert guarded.rig.evidence.told == {}


def test_nobody_promotes_by_hand_past_the_policy_without_leave(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    guarded.start(spec("2"))
    guarded.rig.until(lambda rollout: rollout.ready_at is not None)
    with pytest.raises(PermissionDenied, match="has not stood its canary"):
        guarded.promote()
    guarded.override(LEA)
    guarded.promote()
    assert guarded.rig.until_over().state.status is Status.PROMOTED
    assert guarded.canaried() == set()


def test_a_rollout_carries_no_other_new_version_along(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    both = (spec("1", name="model-1"), spec("2", name="model-2"))
    guarded.update(*both, routes={"model-1": 96, "model-2": 4})
    guarded.rig.serving.until_ready()
    three = (*both, spec("3", name="model-3"))
    with pytest.raises(InvalidArgument, match="exactly one"):
        guarded.start(*three, routes={"model-1": 10, "model-2": 50, "model-3": 40})
    # One that goes on with no more than a canary has is not in question.
    guarded.start(*three, routes={"model-1": 4, "model-2": 4, "model-3": 92})


def test_tags_do_not_switch_the_policy_off(guarded: GuardedRig) -> None:
    guarded.tag(add=[Tag("environment", "production")])
    with pytest.raises(PermissionDenied, match="would be laxer"):
        guarded.tag(delete=["environment"])
    with pytest.raises(PermissionDenied, match="would be laxer"):
        guarded.tag(add=[Tag("environment", "test")])
    guarded.tag(add=[Tag("team", "risk")])


def test_neither_does_an_endpoint_that_is_deleted_and_made_again(guarded: GuardedRig) -> None:
    guarded.mode("enforce")
    guarded.delete()
    with pytest.raises(PermissionDenied, match="make it with a version that served there"):
        guarded.create(spec("2"))
    guarded.create(spec("1"))
    guarded.rig.serving.until_ready()
    guarded.delete()
    guarded.rig.clock.advance(25 * 3600)
    guarded.create(spec("2"))


def test_policies_have_revisions(guarded: GuardedRig) -> None:
    guarded.mode("off")
    guarded.mode("auto")
    guarded.mode("auto")
    with guarded.rig.database.transaction() as connection:
        policies = GuardPolicies(connection, guarded.rig.clock)
        assert [each.revision for each in policies.history()] == [2, 1, 0]
        assert "mode: off" in policies.get(1).text
        with pytest.raises(InvalidArgument, match="nonsense"):
            policies.apply("rules: [{mode: nonsense}]", by="root")
