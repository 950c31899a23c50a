"""The controller process: what its loops work with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.pins import Pins
from pierhead.identity.domain.querying import Queryable
from pierhead.identity.services.audit_checkpoints import Checkpoints
from pierhead.identity.services.audit_keys import load_signer
from pierhead.identity.services.query_rights import who_may_query
from pierhead.identity.services.tokens import Tokens
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock, SystemClock, to_ms
from pierhead.kit.db import Database
from pierhead.kit.errors import PierheadError
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.kit.signing import load_key
from pierhead.monitoring.services.alert_deliveries import AlertDeliveries
from pierhead.monitoring.services.alert_loop import AlertLoop
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.monitoring.services.query_looks import QueryLooks
from pierhead.monitoring.services.views import InferenceViews
from pierhead.registry.services.deliveries import Deliveries
from pierhead.registry.store.namespaces import ModelNamespaces
from pierhead.serving.adapters.local_host import LocalWorkerHost
from pierhead.serving.adapters.nudge_socket import NudgeSocket
from pierhead.serving.adapters.snapshot_file import SnapshotFile
from pierhead.serving.adapters.uv_environments import UvEnvironments
from pierhead.serving.api.guards import target_of
from pierhead.serving.domain.capacity import Machine
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.domain.routing import RoutingRules
from pierhead.serving.domain.snapshot import Principal
from pierhead.serving.services.autoscaler import Autoscaler, Patience
from pierhead.serving.services.machine import available_memory, this_machine
from pierhead.serving.services.readings import TrafficReadings
from pierhead.serving.services.reconciler import Reconciler
from pierhead.serving.services.rest import Rest
from pierhead.wiring.alerts import alert_loop, alert_sender, readable_tables
from pierhead.wiring.compilation import Compilation
from pierhead.wiring.inference import inference_rules
from pierhead.wiring.monitor_doors import monitor_keeping
from pierhead.wiring.monitors import live_counts, live_references, refresh_loop
from pierhead.wiring.plans import CompiledPlans
from pierhead.wiring.rollouts import label_joins, rollout_arrivals, rollout_tick
from pierhead.wiring.shared import RegistryVersions, checkpoint_file, open_database
from pierhead.wiring.webhooks import webhook_sender

log = structlog.get_logger()

# One worker alone must not take the machine down.
_WORKERS_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Control:
    """One step of each loop; `rest` is how the reconciler waits for the next one, at most so many seconds."""

    reconcile: Callable[[], object]
    rest: Callable[[float], None]
    ingest: Callable[[], object]
    checkpoint: Callable[[], object]
    send_webhooks: Callable[[], object]
    compile: Callable[[], object]
    verify: Callable[[], object]
    roll_out: Callable[[], object]
    join_labels: Callable[[], object]
    keep_monitors: Callable[[], object]
    refresh_monitors: Callable[[], object]
    make_references: Callable[[], object]
    look_at_alerts: Callable[[], object]
    look_at_queries: Callable[[], object]
    tell_alerts: Callable[[], object]


@contextmanager
def controller(settings: Settings, home: Home, lifeline_fd: int | None) -> Iterator[Control]:
    """`lifeline_fd` is handed on to workers; None lets them live on without the platform."""
    clock = SystemClock()
    database = open_database(settings, home)
    machine = this_machine()
    nudges = NudgeSocket(home.run / "nudge.sock")
    versions = RegistryVersions(database, clock, ArtifactStore(home.store), home.models)
    environments = UvEnvironments(home.environments, None, settings.build_timeout_s, clock)
    compilation = Compilation(settings, home, database, clock, versions, environments)
    compilation.tidy()
    reconciler = Reconciler(
        database=database,
        clock=clock,
        host=LocalWorkerHost(home.worker_records, lifeline_fd, clock, worker_limit(settings, machine)),
        environments=environments,
        plans=CompiledPlans(compilation.tiers, compiles_served=settings.compile_versions != "asked"),
        versions=versions,
        snapshots=SnapshotFile(home.snapshot),
        principals=lambda connection: principals(connection, clock),
        query_rights=query_rights,
        autoscaler=Autoscaler(machine, patience(settings), available_memory),
        traffic=TrafficReadings(home.run / "gateways"),
        rules=RoutingRules(hold_timeout_s=settings.startup_timeout_s, verify_rate=settings.verify_rate),
        log_folder=home.logs,
        startup_timeout_s=settings.startup_timeout_s,
        activated=rollout_arrivals(clock),
    )
    counts = live_counts(home, clock)
    ingestion = Ingestion(
        home.spool,
        home.tables,
        clock,
        rules=inference_rules(database, clock, home, counts),
        pinned=lambda location: pinned(database, clock, location),
    )
    checkpoints = Checkpoints(database, clock, checkpoint_file(settings, home), load_signer(home.audit))
    key = load_key(home.secret_key)
    alerts = alert_loop(database, clock, home, versions)
    told = AlertDeliveries(database, clock, alert_sender(settings, clock, key))
    grounds = Grounds(home, clock, ModelNamespaces(), InferenceViews())
    queries = QueryLooks(database, clock, readable_tables(grounds))
    deliveries = Deliveries(database, clock, webhook_sender(settings, key))
    try:
        yield Control(
            reconcile=reconciler.tick,
            rest=Rest(nudges, reconciler).rest,
            ingest=ingestion.tick,
            checkpoint=checkpoints.tick,
            send_webhooks=deliveries.tick,
            compile=compilation.compiler.tick,
            verify=compilation.verification.tick,
            roll_out=rollout_tick(database, clock, home, versions),
            join_labels=label_joins(database, clock, home),
            keep_monitors=monitor_keeping(database, home, grounds),
            refresh_monitors=refresh_loop(database, home, grounds).tick,
            make_references=live_references(database, home, grounds, counts).tick,
            look_at_alerts=alerts.tick,
            look_at_queries=queries.tick,
            tell_alerts=told.tick,
        )
    finally:
        reconciler.stop()
        nudges.close()
        deliveries.stop()
        told.stop()
        _keep_counts(alerts)
        _finish(checkpoints)
        database.dispose()


def worker_limit(settings: Settings, machine: Machine) -> int:
    """Memory that one worker may use, bytes."""
    return settings.worker_memory_bytes or int(machine.memory_bytes * _WORKERS_SHARE)


def patience(settings: Settings) -> Patience:
    return Patience(timedelta(seconds=settings.scale_to_zero_after_s), timedelta(seconds=settings.originals_idle_s))


def pinned(database: Database, clock: Clock, location: Path) -> frozenset[int]:
    """The versions of the table here that must stay readable."""
    with database.reading() as connection:
        return Pins(connection, clock).versions_of(location)


def _keep_counts(alerts: AlertLoop) -> None:
    try:
        alerts.stop()
    except SQLAlchemyError:
        # A few seconds of traffic that alerts will not see.
        log.exception("what gateways counted was not kept")


def _finish(checkpoints: Checkpoints) -> None:
    try:
        checkpoints.finish()
    except (PierheadError, OSError, SQLAlchemyError):
        # The next start catches up; what keeps it from being written now shall not keep the rest from ending.
        log.exception("the last audit checkpoint was not written")


def query_rights(connection: Connection, endpoints: Sequence[Endpoint]) -> Mapping[str, Queryable]:
    """Who may query each endpoint, by its id."""
    return who_may_query(connection, [target_of(endpoint) for endpoint in endpoints])


def principals(connection: Connection, clock: Clock) -> Mapping[str, Principal]:
    """Every valid token's digest, with what gateways may know of its owner."""
    return {
        token.digest: Principal(
            user_id=account.id,
            user_name=account.name,
            groups=sorted(account.groups),
            expires_at_ms=None if token.expires_at is None else to_ms(token.expires_at),
        )
        for token, account in Tokens(connection, clock).list_valid()
    }
