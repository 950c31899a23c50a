"""The loop that makes endpoints true: look, decide, write down, tell the gateways, act."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection

from pierhead.identity.domain.querying import Queryable
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.ids import new_id
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.reconcile import (
    Action,
    DrainWorker,
    ForgetWorker,
    Observed,
    StartBuild,
    StartWorker,
    decide,
    workers_to_keep,
)
from pierhead.serving.domain.restarts import Crash, remember
from pierhead.serving.domain.routing import route_endpoint
from pierhead.serving.domain.snapshot import EndpointRoute, Principal
from pierhead.serving.domain.steps import News, Step, step_of
from pierhead.serving.domain.workers import WorkerObservation, WorkerPhase
from pierhead.serving.ports import Environments, ModelVersions, SnapshotPlace, WorkerHost, WorkerSpec
from pierhead.serving.services.builds import Builds
from pierhead.serving.services.publisher import Publisher
from pierhead.serving.store.endpoints import EndpointStore
from pierhead.serving.store.events import EventStore

log = structlog.get_logger()

Principals = Callable[[Connection], Mapping[str, Principal]]
"""Who may call: by SHA-256 of the token in hex."""

QueryRights = Callable[[Connection, Sequence[Endpoint]], Mapping[str, Queryable]]
"""Who may query each endpoint, by its id."""


class Reconciler:
    """One per controller. All its memory can be lost: what runs is observed, what should run is in the database."""

    def __init__(  # noqa: PLR0913 - filled by name, once, in the wiring
        self,
        *,
        database: Database,
        clock: Clock,
        host: WorkerHost,
        environments: Environments,
        versions: ModelVersions,
        snapshots: SnapshotPlace,
        principals: Principals,
        query_rights: QueryRights,
        log_folder: Path,
        startup_timeout_s: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._host = host
        self._principals = principals
        self._query_rights = query_rights
        self._worker_logs = log_folder / "workers"
        self._startup_timeout_s = startup_timeout_s
        self._builds = Builds(versions, environments, clock, log_folder / "builds")
        self._publisher = Publisher(snapshots, clock.now())
        self._crashes: tuple[Crash, ...] = ()
        self._told_to_stop: set[str] = set()
        self._seen_ready: set[str] | None = None

    def tick(self) -> None:
        """One step, every quarter of a second.

        Raises what the database, the host or the identities raise; gateways then go on with the last snapshot and
        workers with their work, and the next tick tries again.
        """
        now = self._clock.now()
        # Also after a time in which nothing worked: what gateways still follow is in use.
        self._publisher.look_again(now)
        workers = self._host.observe()
        with self._database.reading() as connection:
            endpoints = EndpointStore(connection).list_all()
            principals = self._principals(connection)
            queryable = self._query_rights(connection, endpoints)
        news = self._learn(workers, now)
        observed = Observed(
            workers,
            self._builds.states(),
            self._crashes,
            self._publisher.routed_at,
            self._publisher.announced,
        )
        actions = decide(endpoints, observed, now)
        kept = workers_to_keep(endpoints, observed)
        for endpoint in endpoints:
            with _alone("writing down", endpoint=endpoint.name):
                self._write_down(endpoint, step_of(endpoint, actions, kept, observed, news, now))
        routes = {endpoint.name: route_endpoint(endpoint, kept, queryable[endpoint.id]) for endpoint in endpoints}
        self._publish(principals, routes, now)
        for action in actions:
            with _alone("acting", action=type(action).__name__):
                self._act(action, now)

    def stop(self) -> None:
        """Start no more builds; workers go on without us."""
        self._builds.stop()

    def _learn(self, workers: Sequence[WorkerObservation], now: datetime) -> News:
        present = {worker.worker_id for worker in workers}
        draining = {worker.worker_id for worker in workers if worker.phase is WorkerPhase.DRAINING}
        self._told_to_stop = (self._told_to_stop & present) | draining
        if self._seen_ready is None:
            # What was dead before we looked went down with the platform, or was our predecessor's concern.
            self._told_to_stop |= {worker.worker_id for worker in workers if worker.phase is WorkerPhase.EXITED}
        known = {crash.worker_id for crash in self._crashes}
        self._crashes = remember(
            self._crashes,
            workers,
            told_to_stop=self._told_to_stop,
            now=now,
            startup_timeout_s=self._startup_timeout_s,
        )
        ready = [worker for worker in workers if worker.is_ready]
        # A new controller finds workers ready that became so long ago: no news.
        seen = {worker.worker_id for worker in ready} if self._seen_ready is None else self._seen_ready
        self._seen_ready = {worker.worker_id for worker in ready}
        return News(
            crashes=[crash for crash in self._crashes if crash.worker_id not in known],
            ready=[worker for worker in ready if worker.worker_id not in seen],
        )

    def _write_down(self, endpoint: Endpoint, step: Step) -> None:
        if step.is_empty:
            return
        with self._database.transaction() as connection:
            store, events = EndpointStore(connection), EventStore(connection)
            if step.activate:
                store.activate(endpoint.id, step.activate.config_version)
            if step.fail:
                store.fail(endpoint.id, step.fail.config_version, f"{step.fail.entity_name}: {step.fail.reason}")
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

    def _act(self, action: Action, now: datetime) -> None:
        match action:
            case StartBuild(workload=workload, entity=entity):
                self._builds.start(workload, entity)
            case StartWorker():
                self._start(action, now)
            case DrainWorker(worker_id=worker_id, grace_s=grace_s):
                self._told_to_stop.add(worker_id)
                self._host.drain(worker_id, grace_s=grace_s)
            case ForgetWorker(worker_id=worker_id):
                self._host.forget(worker_id)
            case _:
                return

    def _start(self, action: StartWorker, now: datetime) -> None:
        spec = WorkerSpec(
            worker_id=new_id()[:16],
            workload=action.workload,
            model=action.build.model,
            python=action.build.python,
            log=self._worker_logs / f"{action.workload}.log",
            environment_vars=dict(action.entity.spec.environment_vars or {}),
        )
        try:
            self._worker_logs.mkdir(parents=True, exist_ok=True)
            self._host.start(spec)
        except Exception as error:
            # As good as a worker that died at once; what it was to start from may be gone, so build it anew.
            message = f"its worker could not be started: {error}"
            self._crashes += (Crash(spec.worker_id, spec.workload, now, 0.0, message, is_final=False),)
            self._builds.forget(spec.workload)
            raise


@contextmanager
def _alone(doing: str, **about: str) -> Iterator[None]:
    """What fails for one endpoint or worker must not stop the others; the next tick tries again."""
    try:
        yield
    except Exception:
        log.exception(f"{doing} failed", **about)
