"""What to do next, given what should run, what is seen, and the time.

Workers of an active config are restarted for ever; only a pending config can fail. Nothing is taken from an active
config before gateways were told about its successor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pierhead.serving.domain.builds import Build, BuildFailed, Building, Built
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, ServedEntity
from pierhead.serving.domain.restarts import Crash, next_start
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import demand, workload

DRAIN_GRACE_S = 330.0
"""Longer than the longest time-out of an invocation and a worker's patience behind it: all are answered first."""

MOST_TRIES = 3
"""Starts of each worker of a pending config; after the last one that died without a word the config fails."""


_ROUTE_MEMORY = timedelta(seconds=2)  # gateways look every 50 ms; the rest is for a machine under load
_ANNOUNCE = timedelta(milliseconds=150)
_BUILD_RETRY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class StartBuild:
    """Get the files and the environment of a workload ready."""

    endpoint_id: str
    workload: str
    entity: ServedEntity


@dataclass(frozen=True, slots=True)
class StartWorker:
    endpoint_id: str
    workload: str
    entity: ServedEntity
    build: Built


@dataclass(frozen=True, slots=True)
class DrainWorker:
    worker_id: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class ForgetWorker:
    """Drop the record of a dead worker."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class Activate:
    """The config answers from now on; the one before it is superseded."""

    endpoint_id: str
    config_version: int


@dataclass(frozen=True, slots=True)
class FailConfig:
    endpoint_id: str
    config_version: int
    entity_name: str
    reason: str


Action = StartBuild | StartWorker | DrainWorker | ForgetWorker | Activate | FailConfig


@dataclass(frozen=True, slots=True)
class Announced:
    """The config of an endpoint that the snapshot routes to, and since when."""

    config_version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """All that is seen at one moment.

    `builds` and `crashes` by workload; `routed_at` is when gateways last had a socket in their snapshot, by the
    socket's path; `announced` by endpoint id.
    """

    workers: Sequence[WorkerObservation] = ()
    builds: Mapping[str, Build] = field(default_factory=dict)
    crashes: Sequence[Crash] = ()
    routed_at: Mapping[str, datetime] = field(default_factory=dict)
    announced: Mapping[str, Announced] = field(default_factory=dict)

    def crashes_of(self, key: str, since: datetime | None = None) -> list[Crash]:
        return [crash for crash in self.crashes if crash.workload == key and (since is None or crash.at >= since)]


def decide(endpoints: Sequence[Endpoint], observed: Observed, now: datetime) -> list[Action]:
    """The next step of everything, safe to repeat: the same facts give the same actions."""
    kept = workers_to_keep(endpoints, observed)
    actions: list[Action] = [ForgetWorker(worker.worker_id) for worker in observed.workers if worker.is_dead]
    actions += _drains(kept, observed, now)
    for endpoint in endpoints:
        actions += _next_step(endpoint, kept, observed, now)
    return actions


def workers_to_keep(endpoints: Sequence[Endpoint], observed: Observed) -> dict[str, list[WorkerObservation]]:
    """The living workers that a config needs, by workload: ready ones first, then the oldest."""
    given_up = {crash.worker_id for crash in observed.crashes}
    living: dict[str, list[WorkerObservation]] = {}
    for worker in observed.workers:
        if worker.phase in (WorkerPhase.STARTING, WorkerPhase.READY) and worker.worker_id not in given_up:
            living.setdefault(worker.workload, []).append(worker)
    kept = {}
    for endpoint in endpoints:
        for key, replicas in _demand_of(endpoint.active, endpoint.pending).items():
            candidates = sorted(living.get(key, ()), key=lambda w: (not w.is_ready, w.started_at, w.worker_id))
            kept[key] = candidates[:replicas]
    return kept


def is_complete(config: EndpointConfig, kept: Mapping[str, Sequence[WorkerObservation]]) -> bool:
    """Whether every worker that a config needs is ready."""
    return all(
        sum(worker.is_ready for worker in kept.get(key, ())) >= replicas for key, replicas in demand(config).items()
    )


def config_to_route(endpoint: Endpoint, kept: Mapping[str, Sequence[WorkerObservation]]) -> EndpointConfig | None:
    """The config that gateways should follow: the pending one as soon as it is complete.

    Gateways hear of it a moment before it is active, so that whoever is told `READY` finds it everywhere.
    """
    if endpoint.pending is not None and is_complete(endpoint.pending, kept):
        return endpoint.pending
    return endpoint.active


def _demand_of(*configs: EndpointConfig | None) -> dict[str, int]:
    most: dict[str, int] = {}
    for config in configs:
        for key, replicas in (demand(config) if config else {}).items():
            most[key] = max(replicas, most.get(key, 0))
    return most


def _drains(
    kept: Mapping[str, Sequence[WorkerObservation]], observed: Observed, now: datetime
) -> Iterator[DrainWorker]:
    needed = {worker.worker_id for workers in kept.values() for worker in workers}
    given_up = {crash.worker_id for crash in observed.crashes}
    for worker in observed.workers:
        if worker.worker_id in needed or worker.phase not in (WorkerPhase.STARTING, WorkerPhase.READY):
            continue
        routed_at = observed.routed_at.get(str(worker.socket))
        if routed_at is not None and now - routed_at < _ROUTE_MEMORY:
            continue
        # A worker that hangs while it loads has nothing to finish.
        yield DrainWorker(worker.worker_id, 0.0 if worker.worker_id in given_up else DRAIN_GRACE_S)


def _next_step(
    endpoint: Endpoint, kept: Mapping[str, Sequence[WorkerObservation]], observed: Observed, now: datetime
) -> Iterator[Action]:
    pending = endpoint.pending
    failure = _find_failure(pending, kept, observed) if pending else None
    if failure is not None:
        yield failure
        pending = None
    elif pending is not None and is_complete(pending, kept) and _is_announced(pending, observed, now):
        yield Activate(endpoint.id, pending.version)
    for shortage in _shortages(endpoint, pending, kept):
        yield from _supply(shortage, observed, now)


@dataclass(frozen=True, slots=True)
class _Shortage:
    """`missing` of the `replicas` of a workload; `asked_at` is when a pending config asked for them, if one did."""

    endpoint_id: str
    workload: str
    entity: ServedEntity
    replicas: int
    missing: int
    asked_at: datetime | None


def _shortages(
    endpoint: Endpoint, pending: EndpointConfig | None, kept: Mapping[str, Sequence[WorkerObservation]]
) -> Iterator[_Shortage]:
    entities = {
        workload(endpoint.id, entity): entity
        for config in (endpoint.active, pending)
        if config is not None
        for entity in config.entities
    }
    asked = demand(pending) if pending else {}
    for key, replicas in _demand_of(endpoint.active, pending).items():
        missing = replicas - len(kept.get(key, ()))
        if missing > 0:
            asked_at = pending.created_at if pending and key in asked else None
            yield _Shortage(endpoint.id, key, entities[key], replicas, missing, asked_at)


def _supply(shortage: _Shortage, observed: Observed, now: datetime) -> Iterator[Action]:
    endpoint_id, key, entity = shortage.endpoint_id, shortage.workload, shortage.entity
    match observed.builds.get(key):
        case None:
            yield StartBuild(endpoint_id, key, entity)
        case Building():
            return
        case BuildFailed(at=at):
            # Whoever asks again after a failure has mended something.
            is_asked_again = shortage.asked_at is not None and at < shortage.asked_at
            if is_asked_again or now - at >= _BUILD_RETRY:
                yield StartBuild(endpoint_id, key, entity)
        case Built() as build:
            due = next_start(observed.crashes_of(key), shortage.replicas)
            if due is None or now >= due:
                yield from [StartWorker(endpoint_id, key, entity, build)] * shortage.missing


def _is_announced(config: EndpointConfig, observed: Observed, now: datetime) -> bool:
    announced = observed.announced.get(config.endpoint_id)
    return announced is not None and announced.config_version == config.version and now - announced.since >= _ANNOUNCE


def _find_failure(
    config: EndpointConfig, kept: Mapping[str, Sequence[WorkerObservation]], observed: Observed
) -> FailConfig | None:
    needed = demand(config)
    for entity in config.entities:
        key = workload(config.endpoint_id, entity)
        if sum(worker.is_ready for worker in kept.get(key, ())) >= needed[key]:
            continue
        reason = _reason_to_fail(key, needed[key], len(kept.get(key, ())), config.created_at, observed)
        if reason is not None:
            return FailConfig(config.endpoint_id, config.version, entity.name, reason)
    return None


def _reason_to_fail(key: str, needed: int, living: int, since: datetime, observed: Observed) -> str | None:
    build = observed.builds.get(key)
    # What failed before this config was asked for deserves another try.
    if living < needed and isinstance(build, BuildFailed) and build.at >= since:
        return build.reason
    crashes = observed.crashes_of(key, since)
    final = next((crash for crash in crashes if crash.is_final), None)
    if final is not None:
        return final.message
    if len(crashes) >= MOST_TRIES * needed:
        return f"its worker died {len(crashes)} times before all were ready, the last time: {crashes[-1].message}"
    return None
