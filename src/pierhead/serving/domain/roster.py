"""Who works for whom: the workers that every entity should have, and those that it keeps."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pierhead.serving.domain.builds import BuildFailed, Built
from pierhead.serving.domain.candidates import route_name
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig, ServedEntity
from pierhead.serving.domain.observed import Observed, Staffing
from pierhead.serving.domain.plans import Plan, without_artifact
from pierhead.serving.domain.restarts import reason_to_give_up, start_trouble
from pierhead.serving.domain.sizes import first_workers
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.domain.workloads import Variant, variants, workload

ConfigKey = tuple[str, int]
"""Endpoint id and config version."""


@dataclass(frozen=True, slots=True)
class Post:
    """What one entity of a config needs: `replicas` of the first of its `ways`, `companions` of the original beside.

    `needed` of the replicas must be ready before a pending config answers. `source` names its build, `name` is what
    gateways call it. `waits_for` says why there may be no first worker yet; "" means that there may.
    """

    entity: ServedEntity
    name: str
    source: str
    plan: Plan
    ways: tuple[Variant, ...]
    replicas: int
    companions: int
    needed: int
    can_start: bool = True
    """Whether all is there that a worker starts from."""
    waits_for: str = ""
    trouble: str = ""
    """Why no worker comes although one is wanted; "" while one may be on its way."""

    @property
    def main(self) -> Variant:
        return self.ways[0]

    @property
    def companion(self) -> Variant | None:
        """The original beside a compiled version, for what that one hands back."""
        return self.ways[1] if self.main.is_compiled else None


@dataclass(frozen=True, slots=True)
class Roster:
    """`kept` are the living workers that somebody needs, by the key of their variant: ready ones first, then oldest."""

    posts: Mapping[ConfigKey, Sequence[Post]]
    kept: Mapping[str, Sequence[WorkerObservation]]

    def posts_of(self, config: EndpointConfig) -> Sequence[Post]:
        return self.posts[config.endpoint_id, config.version]

    def ready(self, variant: Variant) -> list[WorkerObservation]:
        return [worker for worker in self.kept.get(variant.key, ()) if worker.is_ready]

    def living(self, variant: Variant) -> int:
        return len(self.kept.get(variant.key, ()))

    def answering(self, post: Post) -> Variant:
        """The way by which an entity's calls are answered now.

        That is the one that is wanted, or while its workers start another one that may be trusted and has workers.
        """
        counts = [len(self.ready(way)) for way in post.ways]
        if counts[0] >= max(1, post.replicas) or (post.main.is_compiled and counts[0]):
            return post.main
        return post.ways[counts.index(max(counts))]

    def is_complete(self, config: EndpointConfig) -> bool:
        """Whether every worker that a config needs to begin is ready."""
        needed = needs(self.posts_of(config))
        return all(len(self.ready(variant)) >= count for variant, count in needed.items())


def roster_of(endpoints: Iterable[Endpoint], observed: Observed) -> Roster:
    """The posts of all active and pending configs, and their workers."""
    posts: dict[ConfigKey, Sequence[Post]] = {}
    living = _living(observed)
    kept: dict[str, Sequence[WorkerObservation]] = {}
    for endpoint in endpoints:
        wanted: Counter[str] = Counter()
        held_over: set[str] = set()
        for config in configs_of(endpoint):
            own = [_post(endpoint, config, entity, observed) for entity in config.entities]
            posts[config.endpoint_id, config.version] = own
            wanted |= demand(own)
            held_over |= _held_over(own, living)
        for key in wanted.keys() | held_over:
            candidates = living.get(key, [])
            kept[key] = [w for i, w in enumerate(candidates) if i < wanted[key] or (key in held_over and w.is_ready)]
    return Roster(posts, kept)


def configs_of(endpoint: Endpoint) -> list[EndpointConfig]:
    """The active and the pending config, as far as there are any."""
    return [config for config in (endpoint.active, endpoint.pending) if config is not None]


def demand(posts: Iterable[Post]) -> Counter[str]:
    """Workers wanted, by the key of their variant; entities of the same version add up."""
    wanted: Counter[str] = Counter()
    for post in posts:
        wanted[post.main.key] += post.replicas
        if post.companion is not None:
            wanted[post.companion.key] += post.companions
    return wanted


def needs(posts: Iterable[Post]) -> Counter[Variant]:
    """Workers that must be ready before a config answers."""
    needed: Counter[Variant] = Counter()
    for post in posts:
        needed[post.main] += post.needed
    return needed


def _post(endpoint: Endpoint, config: EndpointConfig, entity: ServedEntity, observed: Observed) -> Post:
    source = workload(config.endpoint_id, entity)
    plan = observed.plan_of(source, entity.digest)
    ways = variants(config.endpoint_id, entity, plan)
    if plan.is_compiled and observed.crashes:
        failure = reason_to_give_up(observed.crashes_of(ways[0].key), observed.at)
        if failure is not None:
            # The original can do all that its artifact could, so a bad artifact is no reason to fail.
            plan = without_artifact(plan, f"the compiled artifact could not be run: {failure}")
            ways = variants(config.endpoint_id, entity, plan)
    first = first_workers(entity.spec, is_compiled=plan.is_compiled)
    name = route_name(endpoint, config, entity)
    staffing = observed.staffing.get((config.endpoint_id, name), Staffing(first))
    is_pending = not config.is_active
    # What more calls make of a candidate that answers some already is no reason to think it not ready.
    needed = first if is_pending and endpoint.is_ramping else max(staffing.replicas, first)
    waits_for = observed.held.get(ways[0].key, "") if is_pending else ""
    wanted = max(staffing.replicas, first if is_pending else 0)
    return Post(
        entity=entity,
        name=name,
        source=source,
        plan=plan,
        ways=ways,
        replicas=0 if waits_for else wanted,
        companions=staffing.companions if plan.is_compiled else 0,
        needed=needed,
        can_start=plan.is_compiled or isinstance(observed.builds.get(source), Built),
        waits_for=waits_for,
        trouble=_trouble(ways[0], source, observed) if wanted else "",
    )


def _trouble(way: Variant, source: str, observed: Observed) -> str:
    build = observed.builds.get(source)
    if isinstance(build, BuildFailed) and not way.is_compiled:
        return build.reason
    return start_trouble(observed.crashes_of(way.key)) if observed.crashes else ""


def _living(observed: Observed) -> dict[str, list[WorkerObservation]]:
    given_up = {crash.worker_id for crash in observed.crashes}
    living: dict[str, list[WorkerObservation]] = {}
    for worker in observed.workers:
        if worker.phase in (WorkerPhase.STARTING, WorkerPhase.READY) and worker.worker_id not in given_up:
            living.setdefault(worker.workload, []).append(worker)
    for workers in living.values():
        workers.sort(key=lambda w: (not w.is_ready, w.started_at, w.worker_id))
    return living


def _held_over(posts: Iterable[Post], living: Mapping[str, Sequence[WorkerObservation]]) -> set[str]:
    """The ways by which entities are answered until enough workers of the wanted one are ready."""
    return {
        way.key
        for post in posts
        if sum(worker.is_ready for worker in living.get(post.main.key, ())) < post.replicas
        for way in post.ways[1:]
        if way.key in living
    }
