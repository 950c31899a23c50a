"""What to do next, given what should run, what is seen, and the time.

Workers of an active config are restarted for ever; only a pending config can fail. Nothing is taken from an active
config before gateways were told about its successor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pierhead.serving.domain.builds import BuildFailed, Building, Built
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, ServedEntity
from pierhead.serving.domain.observed import Announced as Announced
from pierhead.serving.domain.observed import Observed as Observed
from pierhead.serving.domain.restarts import LONGEST_DELAY_S, MOST_TRIES, next_start
from pierhead.serving.domain.roster import Post, Roster, configs_of, demand, needs, roster_of
from pierhead.serving.domain.workers import WorkerPhase
from pierhead.serving.domain.workloads import Variant

DRAIN_GRACE_S = 330.0
"""Longer than the longest time-out of an invocation and a worker's patience behind it: all are answered first."""

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
class Original:
    """The version's own files, in its own environment."""

    model: Path
    python: Path
    batches: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """The version's compiled artifact, which needs nothing else."""

    artifact: Path
    batches: bool


@dataclass(frozen=True, slots=True)
class StartWorker:
    """`source` is the workload whose build and logs are the entity's, `workload` the key of the worker's variant."""

    endpoint_id: str
    workload: str
    entity: ServedEntity
    source: str
    launch: Original | Compiled


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


def decide(
    endpoints: Sequence[Endpoint], observed: Observed, now: datetime, roster: Roster | None = None
) -> list[Action]:
    """The next step of everything, safe to repeat: the same facts give the same actions.

    `roster` is `roster_of(endpoints, observed)`, if somebody has it already.
    """
    roster = roster or roster_of(endpoints, observed)
    actions: list[Action] = [ForgetWorker(worker.worker_id) for worker in observed.workers if worker.is_dead]
    actions += _drains(roster, observed, now)
    for endpoint in endpoints:
        actions += _next_step(endpoint, roster, observed, now)
    return actions


def config_to_route(endpoint: Endpoint, roster: Roster) -> EndpointConfig | None:
    """The config that gateways should follow: the pending one as soon as it is complete and its ramp, if any, is over.

    Gateways hear of it a moment before it is active, so that whoever is told `READY` finds it everywhere.
    """
    if endpoint.pending is not None and not endpoint.is_ramping and roster.is_complete(endpoint.pending):
        return endpoint.pending
    return endpoint.active


def _drains(roster: Roster, observed: Observed, now: datetime) -> Iterator[DrainWorker]:
    if not observed.workers:
        return
    needed = {worker.worker_id for workers in roster.kept.values() for worker in workers}
    given_up = {crash.worker_id for crash in observed.crashes}
    for worker in observed.workers:
        if worker.worker_id in needed or worker.phase not in (WorkerPhase.STARTING, WorkerPhase.READY):
            continue
        routed_at = observed.routed_at.get(str(worker.socket))
        if routed_at is not None and now - routed_at < _ROUTE_MEMORY:
            continue
        # A worker that hangs while it loads has nothing to finish.
        yield DrainWorker(worker.worker_id, 0.0 if worker.worker_id in given_up else DRAIN_GRACE_S)


def _next_step(endpoint: Endpoint, roster: Roster, observed: Observed, now: datetime) -> Iterator[Action]:
    pending = endpoint.pending
    failure = _find_failure(pending, roster, observed) if pending else None
    if failure is not None:
        yield failure
    elif pending is not None and _may_become_active(endpoint, pending, roster, observed, now):
        yield Activate(endpoint.id, pending.version)
    for shortage in _shortages(endpoint, roster, is_pending_given_up=failure is not None):
        yield from _supply(shortage, observed, now)


@dataclass(frozen=True, slots=True)
class _Shortage:
    """`missing` of the `replicas` of one variant; `asked_at` is when a pending config asked for them, if one did."""

    endpoint_id: str
    variant: Variant
    post: Post
    replicas: int
    missing: int
    asked_at: datetime | None


def _shortages(endpoint: Endpoint, roster: Roster, *, is_pending_given_up: bool) -> Iterator[_Shortage]:
    wanted: dict[Variant, tuple[int, Post]] = {}
    asked: dict[Variant, datetime] = {}
    for config in configs_of(endpoint):
        if is_pending_given_up and not config.is_active:
            continue
        posts = roster.posts_of(config)
        counts = demand(posts)
        for post in posts:
            for variant in post.ways[:2] if post.main.is_compiled else post.ways[:1]:
                wanted[variant] = (max(counts[variant.key], wanted.get(variant, (0, post))[0]), post)
                if not config.is_active:
                    asked[variant] = config.created_at
    for variant, (replicas, post) in wanted.items():
        missing = replicas - roster.living(variant)
        if missing > 0:
            yield _Shortage(endpoint.id, variant, post, replicas, missing, asked.get(variant))


def _supply(shortage: _Shortage, observed: Observed, now: datetime) -> Iterator[Action]:
    artifact = shortage.variant.artifact
    if artifact is not None:
        yield from _starts(shortage, Compiled(artifact, shortage.variant.batches), observed, now)
        return
    source, entity = shortage.post.source, shortage.post.entity
    match observed.builds.get(source):
        case None:
            yield StartBuild(shortage.endpoint_id, source, entity)
        case Building():
            return
        case BuildFailed(at=at):
            # Whoever asks again after a failure has mended something.
            is_asked_again = shortage.asked_at is not None and at < shortage.asked_at
            if is_asked_again or now - at >= _BUILD_RETRY:
                yield StartBuild(shortage.endpoint_id, source, entity)
        case Built(model=model, python=python):
            yield from _starts(shortage, Original(model, python, shortage.variant.batches), observed, now)


def _starts(shortage: _Shortage, launch: Original | Compiled, observed: Observed, now: datetime) -> list[StartWorker]:
    key = shortage.variant.key
    due = next_start(observed.crashes_of(key), shortage.replicas)
    # Later than that can only be by a clock that was set back.
    if due is not None and now < due <= now + timedelta(seconds=LONGEST_DELAY_S):
        return []
    start = StartWorker(shortage.endpoint_id, key, shortage.post.entity, shortage.post.source, launch)
    return [start] * shortage.missing


def _may_become_active(
    endpoint: Endpoint, pending: EndpointConfig, roster: Roster, observed: Observed, now: datetime
) -> bool:
    is_due = not endpoint.is_ramping and roster.is_complete(pending)
    return is_due and _is_announced(pending, observed, now)


def _is_announced(config: EndpointConfig, observed: Observed, now: datetime) -> bool:
    announced = observed.announced.get(config.endpoint_id)
    return announced is not None and announced.config_version == config.version and now - announced.since >= _ANNOUNCE


def _find_failure(config: EndpointConfig, roster: Roster, observed: Observed) -> FailConfig | None:
    posts = roster.posts_of(config)
    needed = needs(posts)
    for post in posts:
        if len(roster.ready(post.main)) >= needed[post.main]:
            continue
        reason = _reason_to_fail(post, needed[post.main], roster.living(post.main), config.created_at, observed)
        if reason is not None:
            return FailConfig(config.endpoint_id, config.version, post.entity.name, reason)
    return None


def _reason_to_fail(post: Post, needed: int, living: int, since: datetime, observed: Observed) -> str | None:
    build = observed.builds.get(post.source)
    # What failed before this config was asked for deserves another try.
    if living < needed and isinstance(build, BuildFailed) and build.at >= since and not post.main.is_compiled:
        return build.reason
    crashes = observed.crashes_of(post.main.key, since)
    final = next((crash for crash in crashes if crash.is_final), None)
    if final is not None:
        return final.message
    if len(crashes) >= MOST_TRIES * needed:
        return f"its worker died {len(crashes)} times before all were ready, the last time: {crashes[-1].message}"
    return None
