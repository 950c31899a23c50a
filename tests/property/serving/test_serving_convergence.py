"""Whatever the state, following the decisions leads to what was asked for, and never takes away what is live."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.clock import FixedClock
from fakes.serving import FakeWorkerHost
from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.builds import Build, Built
from pierhead.serving.domain.drafts import ConfigDraft, settle
from pierhead.serving.domain.endpoints import (
    ConfigStatus,
    Endpoint,
    EndpointConfig,
    EntitySpec,
    Route,
    ServedEntity,
)
from pierhead.serving.domain.observed import Announced, Observed
from pierhead.serving.domain.plans import PLAIN, Plan
from pierhead.serving.domain.reconcile import (
    Action,
    Activate,
    DrainWorker,
    FailConfig,
    ForgetWorker,
    StartBuild,
    StartWorker,
    config_to_route,
    decide,
)
from pierhead.serving.domain.restarts import LONGEST_DELAY_S, Crash, remember, restart_delay_s
from pierhead.serving.domain.roster import demand, roster_of
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import variants
from pierhead.serving.ports import WorkerSpec

BUILT = Built(Path("/models/m"), Path("/env/bin/python"))
START = datetime(2026, 1, 1, tzinfo=UTC)

Situation = tuple[Endpoint, list[WorkerObservation], dict[str, Plan]]

sizes = st.sampled_from(["Small", "Medium", "Large"])
specs = st.builds(EntitySpec, st.just("m"), st.sampled_from("123"), workload_size=sizes)
entity_lists = st.lists(specs, min_size=1, max_size=3, unique_by=lambda spec: spec.model_version)


PLANS = [
    PLAIN,
    Plan("C", None, batches=True, revision=""),
    Plan("A", Path("/compiled/a"), batches=False, revision="a"),
    Plan("A", Path("/compiled/b"), batches=True, revision="b"),
]


def make_entity(spec: EntitySpec) -> ServedEntity:
    version = spec.model_version
    return ServedEntity(f"id-{version}", f"m-{version}", spec, f"digest-{version}")


def make_config(
    number: int, status: ConfigStatus, entities: Sequence[EntitySpec], asked_at: datetime
) -> EndpointConfig:
    served = tuple(make_entity(spec) for spec in entities)
    routes = (Route(served[0].name, 10_000),)
    return EndpointConfig("e1", number, status, served, routes, None, "ada", asked_at)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """An endpoint with an active and perhaps a pending config, plans of its versions, and any workers at all."""
    active = make_config(1, ConfigStatus.ACTIVE, draw(entity_lists), START)
    asked = draw(st.none() | entity_lists)
    pending = None if asked is None else make_config(2, ConfigStatus.PENDING, asked, START)
    endpoint = Endpoint("e1", "fraud", "ada", None, (), None, START, START, active, pending or active)
    plans = {f"digest-{version}": draw(st.sampled_from(PLANS)) for version in "1234"}
    entities = [make_entity(EntitySpec("m", version)) for version in "1234"]
    keys = sorted({way.key for entity in entities for plan in PLANS for way in variants("e1", entity, plan)})
    phases = draw(st.lists(st.tuples(st.sampled_from(keys), st.sampled_from(WorkerPhase)), max_size=12))
    ages = draw(st.lists(st.integers(0, 100), min_size=len(phases), max_size=len(phases)))
    workers = [
        WorkerObservation(f"w{i}", key, phase, Path(f"/run/w{i}.sock"), START - timedelta(seconds=age))
        for i, ((key, phase), age) in enumerate(zip(phases, ages, strict=True))
    ]
    return endpoint, workers, plans


class World:
    """A host that works, builds that succeed, and gateways that follow at once."""

    def __init__(self, endpoint: Endpoint, workers: list[WorkerObservation], plans: dict[str, Plan]) -> None:
        self.plans = plans
        self.clock = FixedClock(START)
        self.host = FakeWorkerHost(self.clock)
        self.host.workers = {worker.worker_id: worker for worker in workers}
        self.endpoint = endpoint
        self.builds: dict[str, Build] = {}
        self.crashes: tuple[Crash, ...] = ()
        self.told: set[str] = {w.worker_id for w in workers if w.phase is WorkerPhase.DRAINING or w.is_dead}
        self.routed_at: dict[str, datetime] = {}
        self.announced: dict[str, Announced] = {}
        self.actions: list[Action] = []

    def step(self) -> None:
        now = self.clock.now()
        workers = self.host.observe()
        self.crashes = remember(self.crashes, workers, told_to_stop=self.told, now=now, startup_timeout_s=300)
        observed = Observed(workers, self.builds, self.crashes, self.routed_at, self.announced, self.plans)
        self.actions = decide([self.endpoint], observed, now)
        self._follow(workers, observed, now)
        for action in self.actions:
            self._act(action)
        self.clock.advance(0.25)

    def _follow(self, workers: Sequence[WorkerObservation], observed: Observed, now: datetime) -> None:
        roster = roster_of([self.endpoint], observed)
        routed = config_to_route(self.endpoint, roster)
        assert routed is not None
        ways = {roster.answering(post) for post in roster.posts_of(routed)}
        self.routed_at |= {str(worker.socket): now for way in ways for worker in roster.ready(way)}
        if self.announced.get("e1", Announced(0, now)).config_version != routed.version:
            self.announced = {"e1": Announced(routed.version, now)}

    def _act(self, action: Action) -> None:
        match action:
            case StartBuild(workload=key):
                self.builds[key] = BUILT
            case StartWorker(workload=key):
                worker_id = f"n{len(self.host.started)}"
                self.host.start(WorkerSpec(worker_id, key, BUILT.model, BUILT.python, Path("/log"), {}))
            case DrainWorker(worker_id=worker_id, grace_s=grace_s):
                self.told.add(worker_id)
                self.host.drain(worker_id, grace_s=grace_s)
            case ForgetWorker(worker_id=worker_id):
                self.host.forget(worker_id)
            case Activate(config_version=version):
                assert version == self.endpoint.newest.version
                config = replace(self.endpoint.newest, status=ConfigStatus.ACTIVE)
                self.endpoint = replace(self.endpoint, active=config, newest=config)
            case FailConfig():
                raise AssertionError("nothing failed, and yet the config is given up")


@given(situations())
@settings(max_examples=200, deadline=None)
def test_following_the_decisions_reaches_what_was_asked_for(
    situation: Situation,
) -> None:
    world = World(*situation)
    for _ in range(60):
        world.step()

    wanted = world.endpoint.newest
    assert world.endpoint.active == wanted
    assert world.actions == []
    running: dict[str, int] = {}
    for worker in world.host.observe():
        assert worker.is_ready
        running[worker.workload] = running.get(worker.workload, 0) + 1
    assert running == wanted_workers(wanted, world.plans)


@given(situations())
@settings(max_examples=200, deadline=None)
def test_the_active_config_never_loses_a_ready_worker_that_it_needs(
    situation: Situation,
) -> None:
    world = World(*situation)
    for _ in range(60):
        active = world.endpoint.active
        assert active is not None
        before = _ready(world.host.workers.values())
        world.step()
        if world.endpoint.active is not active:
            continue
        after = _ready(world.host.workers.values())
        for key, replicas in wanted_workers(active, world.plans).items():
            assert after.get(key, 0) >= min(replicas, before.get(key, 0))


@given(situations(), st.dictionaries(st.sampled_from(["digest-1", "digest-2", "digest-3"]), st.sampled_from(PLANS)))
@settings(max_examples=200, deadline=None)
def test_only_what_the_plan_of_the_moment_trusts_is_routed_to(situation: Situation, later: dict[str, Plan]) -> None:
    world = World(*situation)
    for step in range(60):
        if step == 30:
            world.plans = world.plans | later
        world.step()
        observed = Observed(world.host.observe(), world.builds, world.crashes, plans=world.plans)
        roster = roster_of([world.endpoint], observed)
        for post in roster.posts_of(world.endpoint.active or world.endpoint.newest):
            trusted = variants("e1", post.entity, world.plans[post.entity.digest])
            assert roster.answering(post) in trusted
    active = world.endpoint.active
    assert active is not None
    assert roster.is_complete(active)


@given(situations())
@settings(max_examples=200, deadline=None)
def test_no_worker_is_drained_while_gateways_may_still_send_to_it(
    situation: Situation,
) -> None:
    world = World(*situation)
    for _ in range(60):
        sockets = {worker.worker_id: str(worker.socket) for worker in world.host.observe()}
        now, routed_at = world.clock.now(), dict(world.routed_at)
        world.step()
        for action in world.actions:
            if isinstance(action, DrainWorker) and sockets[action.worker_id] in routed_at:
                assert now - routed_at[sockets[action.worker_id]] >= timedelta(seconds=2)


@given(situations())
def test_a_decision_is_the_same_for_the_same_facts(situation: Situation) -> None:
    endpoint, workers, plans = situation
    observed = Observed(workers, plans=plans)
    assert decide([endpoint], observed, START) == decide([endpoint], observed, START)


@given(st.integers(0, 2000))
def test_the_restart_delay_only_grows_and_is_bounded(crashes: int) -> None:
    assert restart_delay_s(crashes) <= restart_delay_s(crashes + 1) <= LONGEST_DELAY_S


@given(st.lists(st.integers(-500, 10_500), min_size=1, max_size=6), st.booleans())
def test_a_config_is_accepted_only_if_its_shares_are_percent_and_sum_to_100(shares: list[int], sums: bool) -> None:
    points = [*shares, 10_000 - sum(shares)] if sums else shares
    entities = tuple(EntitySpec("m", str(i)) for i in range(len(points)))
    routes = tuple(Route(f"m-{i}", each) for i, each in enumerate(points))
    is_right = sum(points) == 10_000 and all(0 <= each <= 10_000 for each in points)
    try:
        settled = settle("fraud", ConfigDraft(entities, routes))
    except InvalidArgument:
        assert not is_right
    else:
        assert is_right
        assert sum(route.points for route in settled.routes) == 10_000


def wanted_workers(config: EndpointConfig, plans: dict[str, Plan]) -> dict[str, int]:
    endpoint = Endpoint("e1", "fraud", "ada", None, (), None, START, START, config, config)
    return +demand(roster_of([endpoint], Observed(plans=plans)).posts_of(config))


def _ready(workers: Iterable[WorkerObservation]) -> dict[str, int]:
    ready: dict[str, int] = {}
    for worker in workers:
        if worker.is_ready:
            ready[worker.workload] = ready.get(worker.workload, 0) + 1
    return ready
