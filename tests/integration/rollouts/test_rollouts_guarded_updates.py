"""The guard in front of official updates: what it lets pass, tells, refuses, and makes a rollout of."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from rollouts_rig import SHORT, RolloutRig
from sqlalchemy import Connection

from integration.serving.serving_rig import draft, spec
from pierhead.kit.errors import InvalidArgument, PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.rollouts.domain.records import Override
from pierhead.rollouts.domain.states import Status
from pierhead.rollouts.services.guard import Guard
from pierhead.rollouts.services.overrides import Overrides
from pierhead.rollouts.services.policies import GuardPolicies
from pierhead.serving.domain.endpoints import Endpoint, EntitySpec, Tag

ADA = Caller("u1", "ada", frozenset({"scientists"}))
LEA = Caller("u2", "lea", frozenset({"leads"}))
POLICY = """
override: {groups: [leads]}
rules:
- {endpoints: ["fraud"], mode: MODE}
"""


class Production:
    """Versions that the registry holds in Production."""

    def __init__(self, *versions: str) -> None:
        self.versions = set(versions)

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
    guarded.mode("enforce")
    guarded.rig.start(SHORT)
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
