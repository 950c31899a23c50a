"""The loop that makes endpoints true: look, decide, write down, tell the gateways, act."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection

from pierhead.identity.domain.querying import Queryable
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.ids import new_id
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.observed import Observed
from pierhead.serving.domain.reconcile import (
    Action,
    Compiled,
    DrainWorker,
    ForgetWorker,
    Original,
    StartBuild,
    StartWorker,
    decide,
)
from pierhead.serving.domain.roster import Roster, configs_of, roster_of
from pierhead.serving.domain.routing import RoutingRules, route_endpoint
from pierhead.serving.domain.snapshot import EndpointRoute, Principal
from pierhead.serving.domain.steps import Step, step_of
from pierhead.serving.domain.turns import in_turn
from pierhead.serving.domain.workers import WorkerPhase
from pierhead.serving.ports import Environments, ModelVersions, Plans, SnapshotPlace, WorkerHost, WorkerSpec
from pierhead.serving.services.autoscaler import Autoscaler
from pierhead.serving.services.builds import Builds
from pierhead.serving.services.known_plans import KnownPlans
from pierhead.serving.services.publisher import Publisher
from pierhead.serving.services.readings import Loads, TrafficReadings
from pierhead.serving.services.sleepers import Sleepers
from pierhead.serving.services.witness import Witness
from pierhead.serving.store.endpoints import EndpointsInMemory, EndpointStore
from pierhead.serving.store.events import EventStore
from pierhead.serving.store.ramps import RampStore

log = structlog.get_logger()

_MOST_NOTES = 50
"""Endpoints of which a tick writes down mere states: when thousands change at once, gateways must not wait for that."""

Principals = Callable[[Connection], Mapping[str, Principal]]
"""Who may call: by SHA-256 of the token in hex."""

QueryRights = Callable[[Connection, Sequence[Endpoint]], Mapping[str, Queryable]]
"""Who may query each endpoint, by its id."""


Activated = Callable[[Connection, str], None]
"""Is told the id of an endpoint."""


def nobody_minds(_connection: Connection, _endpoint_id: str) -> None:
    return


class Reconciler:
    """One per controller. All its memory can be lost: what runs is observed, what should run is in the database."""

    def __init__(  # noqa: PLR0913 - filled by name, once, in the wiring
        self,
        *,
        database: Database,
        clock: Clock,
        host: WorkerHost,
        environments: Environments,
        plans: Plans,
        versions: ModelVersions,
        snapshots: SnapshotPlace,
        principals: Principals,
        query_rights: QueryRights,
        autoscaler: Autoscaler,
        traffic: TrafficReadings,
        rules: RoutingRules,
        log_folder: Path,
        startup_timeout_s: float,
        activated: Activated = nobody_minds,
    ) -> None:
        """`activated` hears of every config that becomes active, within the transaction that makes it so."""
        self._activated = activated
        self._database = database
        self._clock = clock
        self._host = host
        self._principals = principals
        self._query_rights = query_rights
        self._autoscaler = autoscaler
        self._traffic = traffic
        self._rules = rules
        self._worker_logs = log_folder / "workers"
        self._builds = Builds(versions, environments, plans, clock, log_folder / "builds")
        self._plans = KnownPlans(plans)
        self._publisher = Publisher(snapshots, clock.now())
        self._witness = Witness(startup_timeout_s)
        self._starting: list[str] = []
        self._endpoints = EndpointsInMemory()
        self._sleepers = Sleepers()
        self._known_endpoints: Sequence[Endpoint] | None = None
        self._digests: frozenset[str] = frozenset()

    def tick(self) -> None:
        """One step, every quarter of a second, and at once when somebody waits.

        Raises what the database, the host or the identities raise; gateways then go on with the last snapshot and
        workers with their work, and the next tick tries again.
        """
        now = self._clock.now()
        # Also after a time in which nothing worked: what gateways still follow is in use.
        self._publisher.look_again(now)
        workers = self._host.observe()
        news = self._witness.look(workers, now)
        with self._database.reading() as connection:
            endpoints = self._endpoints.list_all(connection, now)
            principals = self._principals(connection)
            queryable = self._query_rights(connection, endpoints)
        self._forget_the_gone(endpoints)
        # Builds before plans: a plan that was made for one of them is then known.
        builds, is_news = self._builds.states()
        plans, loads = self._plans.of(self._digests, now, is_news=is_news), self._traffic.read(now)
        awake, routes = self._sleepers.wake(endpoints, plans, queryable, loads.called)
        observed, roster = self._staff(awake, Observed(workers, builds, plans=plans, at=now), loads, now)
        actions = in_turn(decide(awake, observed, now, roster), self._autoscaler.starts)
        own = _by_endpoint(actions)
        news = replace(news, scalings=self._autoscaler.told)
        notes = 0
        for endpoint in awake:
            step = step_of(endpoint, own.get(endpoint.id, ()), roster, observed, news, now)
            route = route_endpoint(endpoint, roster, queryable[endpoint.id], self._rules)
            routes[endpoint.name] = route
            notes += step.is_note
            if not step.is_note or notes <= _MOST_NOTES:
                with _alone("writing down", endpoint=endpoint.name):
                    self._write_down(endpoint, step)
            if step.is_empty and endpoint.id not in own:
                self._sleepers.put_to_sleep(endpoint, observed, queryable[endpoint.id], route)
        self._publish(principals, routes, now)
        self._greet_the_woken(awake, roster)
        self._starting = [worker.worker_id for worker in workers if worker.phase is WorkerPhase.STARTING]
        for action in actions:
            with _alone("acting", action=type(action).__name__):
                self._act(action, now)

    @property
    def is_waiting_for_workers(self) -> bool:
        """Whether workers were starting at the last tick, or were started by it."""
        return bool(self._starting)

    def has_news(self) -> bool:
        """Whether one of those workers is ready or dead since: time for a tick. Cheap."""
        return bool(self._starting) and self._host.has_settled(self._starting)

    def stop(self) -> None:
        """Start no more builds; workers go on without us."""
        self._builds.stop()

    def _forget_the_gone(self, endpoints: Sequence[Endpoint]) -> None:
        if endpoints is self._known_endpoints:
            return
        self._known_endpoints = endpoints
        self._autoscaler.keep_only(endpoints)
        self._digests = frozenset(
            entity.digest for endpoint in endpoints for config in configs_of(endpoint) for entity in config.entities
        )

    def _staff(
        self, endpoints: Sequence[Endpoint], seen: Observed, loads: Loads, now: datetime
    ) -> tuple[Observed, Roster]:
        """Everything that is to be known of these endpoints, and their workers as the autoscaler wants them."""
        observed = replace(
            seen,
            crashes=self._witness.crashes,
            routed_at=self._publisher.routed_at,
            announced=self._publisher.announced,
            staffing=self._autoscaler.staffing,
            held=self._autoscaler.held,
        )
        roster = roster_of(endpoints, observed)
        self._autoscaler.decide(endpoints, roster, seen.workers, loads, now)
        if self._autoscaler.staffing is observed.staffing and self._autoscaler.held is observed.held:
            return observed, roster
        observed = replace(observed, staffing=self._autoscaler.staffing, held=self._autoscaler.held)
        return observed, roster_of(endpoints, observed)

    def _write_down(self, endpoint: Endpoint, step: Step) -> None:
        if step.is_empty:
            return
        self._endpoints.look_again()
        with self._database.transaction() as connection:
            store, events = EndpointStore(connection), EventStore(connection)
            if not _turn(store, RampStore(connection), endpoint, step):
                return
            if step.activate:
                self._activated(connection, endpoint.id)
            for version, deployments in step.deployments.items():
                store.set_deployments(endpoint.id, version, deployments)
            for event in step.events:
                events.add(endpoint.id, event)
        for event in step.events:
            log.info(event.kind, endpoint=endpoint.name, detail=event.message)

    def _publish(
        self,
        principals: Mapping[str, Principal],
        routes: Mapping[str, EndpointRoute],
        now: datetime,
    ) -> None:
        try:
            self._publisher.publish(principals, routes, now)
        except OSError:
            log.exception("the routing snapshot could not be written; gateways go on with the last one")

    def _greet_the_woken(self, endpoints: Sequence[Endpoint], roster: Roster) -> None:
        """Say how long they took."""
        if not self._autoscaler.woken:
            return
        for endpoint in endpoints:
            for post in roster.posts_of(endpoint.active) if endpoint.active else ():
                woken_at = self._autoscaler.woken.get((endpoint.id, post.entity.name))
                if woken_at is None or not roster.ready(roster.answering(post)):
                    continue
                del self._autoscaler.woken[endpoint.id, post.entity.name]
                wake_ms = round((self._clock.now() - woken_at).total_seconds() * 1000)
                log.info("awake", endpoint=endpoint.name, entity=post.entity.name, wake_ms=wake_ms)

    def _act(self, action: Action, now: datetime) -> None:
        match action:
            case StartBuild(workload=workload, entity=entity):
                self._builds.start(workload, entity)
            case StartWorker():
                self._start(action, now)
            case DrainWorker(worker_id=worker_id, grace_s=grace_s):
                self._witness.told_to_stop(worker_id)
                self._host.drain(worker_id, grace_s=grace_s)
            case ForgetWorker(worker_id=worker_id):
                self._host.forget(worker_id)
            case _:
                return

    def _start(self, action: StartWorker, now: datetime) -> None:
        spec = _spec_of(action, self._worker_logs / f"{action.source}.log")
        try:
            self._worker_logs.mkdir(parents=True, exist_ok=True)
            self._host.start(spec)
        except Exception as error:
            self._witness.could_not_start(spec.worker_id, spec.workload, error, now)
            if spec.artifact is None:
                # What it was to start from may be gone, so build it anew.
                self._builds.forget(action.source)
            raise
        self._starting.append(spec.worker_id)


def _spec_of(action: StartWorker, log_file: Path) -> WorkerSpec:
    spec = WorkerSpec(
        worker_id=new_id()[:16],
        workload=action.workload,
        model=Path(),
        python=Path(),
        log=log_file,
        environment_vars=dict(action.entity.spec.environment_vars or {}),
    )
    match action.launch:
        case Original(model=model, python=python, batches=batches):
            return replace(spec, model=model, python=python, batching=batches)
        case Compiled(artifact=artifact, batches=batches):
            return replace(spec, model=artifact, python=Path(sys.executable), artifact=artifact, batching=batches)


def _turn(store: EndpointStore, ramps: RampStore, endpoint: Endpoint, step: Step) -> bool:
    """Activate or give up the pending config if the step says so, which ends its ramp.

    False if people were faster: they gave it up themselves, or will not have it active yet. Then nothing of the step is
    true any more.
    """
    if not (step.activate or step.fail):
        return True
    store.lock(endpoint.id)
    if step.activate:
        if ramps.is_ramping(endpoint.id) or not store.activate(endpoint.id, step.activate.config_version):
            return False
    elif step.fail:
        failure = f"{step.fail.entity_name}: {step.fail.reason}"
        if not store.fail(endpoint.id, step.fail.config_version, failure):
            return False
    ramps.remove(endpoint.id)
    return True


def _by_endpoint(actions: Sequence[Action]) -> dict[str, list[Action]]:
    own: dict[str, list[Action]] = {}
    for action in actions:
        if not isinstance(action, DrainWorker | ForgetWorker):
            own.setdefault(action.endpoint_id, []).append(action)
    return own


@contextmanager
def _alone(doing: str, **about: str) -> Iterator[None]:
    """What fails for one endpoint or worker must not stop the others; the next tick tries again."""
    try:
        yield
    except Exception:
        log.exception(f"{doing} failed", **about)
