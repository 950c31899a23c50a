"""Endpoints that policies speak of, changed by who may manage the endpoint but not promote."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest
from registry_world import World
from sqlalchemy import Connection

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.gate import StageTarget
from pierhead.registry.domain.refusals import GateClosed
from pierhead.registry.domain.stages import Stage
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import AiGateway, EndpointConfig, EntitySpec, Tag
from pierhead.serving.domain.rate_limits import CallLimit, LimitKey
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.store.endpoints import EndpointStore
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

    def tag(self, by: Caller = SAM, meanwhile: Callable[[], object] | None = None, **tags: str) -> None:
        """`meanwhile` is what happens when all is judged and nothing is committed."""
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            before = endpoints.get_locked("fraud")
            endpoints.patch_tags("fraud", add=_tags(tags), delete=[])
            self._gate.require(connection, by, before, endpoints.get("fraud"))
            if meanwhile is not None:
                meanwhile()

    def tags(self) -> dict[str, str | None]:
        with self._world.database.reading() as connection:
            found = Endpoints(connection, self._world.clock, self._versions).get("fraud")
        return {tag.key: tag.value for tag in found.tags}

    def update(self, number: str, by: Caller = SAM) -> None:
        draft = ConfigDraft((EntitySpec(MODEL, number, workload_size="Small", scale_to_zero_enabled=True),), None)
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            before = endpoints.get_locked("fraud")
            self._gate.require(connection, by, before, endpoints.update_config("fraud", draft, creator=by.user_name))

    def activate_newest(self) -> None:
        with self._world.database.transaction() as connection:
            newest = self._newest(connection)
            EndpointStore(connection).activate(newest.endpoint_id, newest.version)

    def fail_newest(self) -> None:
        with self._world.database.transaction() as connection:
            newest = self._newest(connection)
            EndpointStore(connection).fail(newest.endpoint_id, newest.version, "no worker came up")

    def _newest(self, connection: Connection) -> EndpointConfig:
        return Endpoints(connection, self._world.clock, self._versions).get("fraud").newest

    def limit_group(self, group: str, by: Caller = SAM) -> None:
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            before = endpoints.get_locked("fraud")
            limited = AiGateway(rate_limits=(CallLimit(5, LimitKey.GROUP, group),))
            self._gate.require(connection, by, before, replace(before, ai_gateway=limited))

    def delete(self, by: Caller = SAM) -> None:
        with self._world.database.transaction() as connection:
            endpoints = Endpoints(connection, self._world.clock, self._versions)
            self._gate.require_deletion(connection, by, endpoints.get_locked("fraud"))
            endpoints.delete("fraud")


def _tags(tags: dict[str, str]) -> list[Tag]:
    return [Tag(key, value) for key, value in tags.items()]


@pytest.fixture
def serving(world: World) -> Serving:
    world.create_model(MODEL, by="sam")
    world.register(MODEL, "models:/m-first", by=SAM)
    return Serving(world)


def _promote(world: World, name: str = MODEL, number: int = 1) -> None:
    with world.promotions(LEA) as promotions:
        promotions.move(name, number, StageTarget(Stage.PRODUCTION), archive_existing=True)


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


@pytest.mark.parametrize("has_failed", [True, False])
def test_what_an_endpoint_answers_with_is_judged_and_not_only_what_it_was_asked_for_last(
    world: World, serving: Serving, has_failed: bool
) -> None:
    world.use_policies("default")
    world.register(MODEL, "models:/m-second", by=SAM)
    _promote(world, number=2)
    serving.create()
    serving.activate_newest()
    serving.update("2")
    if has_failed:
        serving.fail_newest()

    with pytest.raises(GateClosed, match="must be in Production"):
        serving.tag(environment="production")


def test_a_config_that_failed_does_not_keep_a_good_endpoint_out(world: World, serving: Serving) -> None:
    world.use_policies("default")
    world.register(MODEL, "models:/m-second", by=SAM)
    _promote(world)
    serving.create()
    serving.activate_newest()
    serving.update("2")
    serving.fail_newest()

    serving.tag(environment="production")


def test_a_gated_endpoint_goes_on_to_the_version_that_took_the_place(world: World, serving: Serving) -> None:
    world.use_policies("default")
    world.register(MODEL, "models:/m-second", by=SAM)
    _promote(world)
    serving.create(environment="production")
    serving.activate_newest()
    _promote(world, number=2)

    serving.update("2")


def test_deleting_an_archived_version_frees_no_gated_endpoint_that_serves_it(world: World, serving: Serving) -> None:
    world.use_policies("default")
    world.register(MODEL, "models:/m-second", by=SAM)
    _promote(world)
    serving.create(environment="production")
    serving.activate_newest()
    _promote(world, number=2)
    world.registrations.delete_version(MODEL, 1, by=SAM)

    with pytest.raises(GateClosed, match="take a version away"):
        serving.tag(environment="staging")
    with pytest.raises(GateClosed, match="take a version away"):
        serving.delete()
    serving.delete(LEA)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda serving: serving.tag(environment="staging"), "take a version away"),
        (lambda serving: serving.update("2"), "must be in Production"),
        (lambda serving: serving.delete(), "take a version away"),
    ],
    ids=["tags", "config", "deletion"],
)
def test_a_change_in_the_moment_in_which_an_endpoint_is_gated_is_judged_as_one_after_it(
    world: World, serving: Serving, change: Callable[[Serving], None], refusal: str
) -> None:
    world.use_policies("default")
    world.register(MODEL, "models:/m-second", by=SAM)
    _promote(world)
    serving.create()
    serving.activate_newest()
    with ThreadPoolExecutor() as pool:

        def meanwhile() -> None:
            changes.append(pool.submit(change, serving))
            wait(changes, timeout=0.3)

        changes: list[Future[None]] = []
        serving.tag(LEA, meanwhile, environment="production")
        (changed,) = changes
        with pytest.raises(GateClosed, match=refusal):
            changed.result()

    assert serving.tags() == {"environment": "production"}


def test_a_rate_limit_of_a_group_that_there_is_not_is_refused(serving: Serving) -> None:
    serving.create()
    serving.limit_group("admins")
    with pytest.raises(InvalidArgument, match="there is no group 'admns' to limit; `pierhead groups list` shows"):
        serving.limit_group("admns")
