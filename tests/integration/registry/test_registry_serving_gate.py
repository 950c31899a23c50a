"""Endpoints that policies speak of, changed by who may manage the endpoint but not promote."""

import pytest
from registry_world import World

from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import StageTarget
from pierhead.registry.domain.refusals import GateClosed
from pierhead.registry.domain.stages import Stage
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import EntitySpec, Tag
from pierhead.serving.services.endpoints import Endpoints
from pierhead.wiring.serving_gate import RegistryServingGate
from pierhead.wiring.shared import RegistryVersions

MODEL = "main.fraud.classifier"
ACCESS = frozenset({"workspace-access"})
SAM = Caller("2", "sam", frozenset({"data-scientists"}), entitlements=ACCESS)
LEA = Caller("3", "lea", frozenset({"ml-leads"}), entitlements=ACCESS)
WEAK_AND_STRICT = """\
name: weak-and-strict
policies:
- name: weak
  match: {endpoint_tags: {environment: staging}}
- name: strict
  match: {endpoint_tags: {environment: production}}
  from_stages: [Production]
- name: production
  match: {models: ["*"], stages: [Production]}
  approve: {groups: [ml-leads]}
  direct: true
"""


class Serving:
    """What sam and lea do with one endpoint that sam made."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._gate = RegistryServingGate(world.gate)
        (world.folder / "models").mkdir()
        self._versions = RegistryVersions(world.database, world.clock, world.artifacts, world.folder / "models")

    def create(self, by: Caller = SAM, **tags: str) -> None:
        draft = ConfigDraft((EntitySpec(MODEL, "1", workload_size="Small", scale_to_zero_enabled=True),), None)
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            made = endpoints.create("fraud", draft, creator=by.user_name, tags=_tags(tags))
            self._gate.require(connection, by, None, made)

    def tag(self, by: Caller = SAM, **tags: str) -> None:
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            before = endpoints.get("fraud")
            endpoints.patch_tags("fraud", add=_tags(tags), delete=[])
            self._gate.require(connection, by, before, endpoints.get("fraud"))

    def delete(self, by: Caller = SAM) -> None:
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            self._gate.require_deletion(connection, by, endpoints.get("fraud"))
            endpoints.delete("fraud")


def _tags(tags: dict[str, str]) -> list[Tag]:
    return [Tag(key, value) for key, value in tags.items()]


@pytest.fixture
def serving(world: World) -> Serving:
    world.create_model(MODEL, by="sam")
    world.register(MODEL, "models:/m-first", by=SAM)
    return Serving(world)


def _promote(world: World, name: str = MODEL) -> None:
    with world.promotions(LEA) as promotions:
        promotions.move(name, 1, StageTarget(Stage.PRODUCTION))


def test_a_version_in_production_is_served_under_a_gated_endpoint(world: World, serving: Serving) -> None:
    world.use_policies("default")
    serving.create()
    with pytest.raises(GateClosed, match="must be in Production"):
        serving.tag(environment="production")

    _promote(world)
    serving.tag(environment="production")


def test_files_taken_from_another_model_of_the_name_are_not_served(world: World, serving: Serving) -> None:
    world.use_policies("default")
    serving.create()
    with world.promotions(SAM) as promotions:
        promotions.rename(MODEL, "main.fraud.former")
    world.create_model(MODEL, by="sam")
    world.register(MODEL, "models:/m-second", by=SAM)
    _promote(world)

    with pytest.raises(GateClosed, match="files that are not those of version 1"):
        serving.tag(environment="production")


def test_an_endpoint_that_comes_under_another_policy_is_judged_by_it(world: World, serving: Serving) -> None:
    world.use_policies("weak-and-strict", WEAK_AND_STRICT)
    serving.create(environment="staging")

    with pytest.raises(GateClosed, match="must be in Production"):
        serving.tag(environment="production")


def test_only_who_takes_versions_away_moves_an_endpoint_to_another_policy(world: World, serving: Serving) -> None:
    world.use_policies("weak-and-strict", WEAK_AND_STRICT)
    _promote(world)
    serving.create(environment="production")

    with pytest.raises(GateClosed, match="take a version away"):
        serving.tag(environment="staging")
    serving.tag(LEA, environment="staging")


def test_nobody_frees_the_name_of_a_gated_endpoint_who_could_not_open_it(world: World, serving: Serving) -> None:
    world.use_policies("default")
    _promote(world)
    serving.create(environment="production")

    with pytest.raises(GateClosed, match="take a version away"):
        serving.delete()
    serving.delete(LEA)


def test_an_open_endpoint_is_deleted_freely(world: World, serving: Serving) -> None:
    world.use_policies("default")
    serving.create()

    serving.delete()
