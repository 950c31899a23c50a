"""The controller process: what its loops work with."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from pierhead.identity.services.accounts import Identities
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock, SystemClock, to_ms
from pierhead.kit.home import Home
from pierhead.kit.settings import Settings
from pierhead.monitoring.services.ingestion import Ingestion
from pierhead.serving.adapters.local_host import LocalWorkerHost
from pierhead.serving.adapters.snapshot_file import SnapshotFile
from pierhead.serving.adapters.uv_environments import UvEnvironments
from pierhead.serving.domain.snapshot import Principal
from pierhead.serving.services.reconciler import Reconciler
from pierhead.wiring.shared import RegistryVersions, open_database


@dataclass(frozen=True, slots=True)
class Control:
    """One step of each loop."""

    reconcile: Callable[[], object]
    ingest: Callable[[], object]


@contextmanager
def controller(settings: Settings, home: Home, lifeline_fd: int | None) -> Iterator[Control]:
    """`lifeline_fd` is handed on to workers; None lets them live on without the platform."""
    clock = SystemClock()
    database = open_database(settings, home)
    reconciler = Reconciler(
        database=database,
        clock=clock,
        host=LocalWorkerHost(home.worker_records, lifeline_fd, clock),
        environments=UvEnvironments(home.environments, None, settings.build_timeout_s, clock),
        versions=RegistryVersions(database, clock, ArtifactStore(home.store), home.models),
        snapshots=SnapshotFile(home.snapshot),
        principals=lambda connection: principals(connection, clock),
        log_folder=home.logs,
        startup_timeout_s=settings.startup_timeout_s,
    )
    ingestion = Ingestion(home.spool, home.tables, clock)
    try:
        yield Control(reconciler.tick, ingestion.tick)
    finally:
        reconciler.stop()
        database.dispose()


def principals(connection: Connection, clock: Clock) -> Mapping[str, Principal]:
    """Every valid token's digest, with what gateways may know of its owner."""
    return {
        token.digest: Principal(
            user_id=user.id,
            user_name=user.name,
            groups=sorted(user.groups),
            expires_at_ms=None if token.expires_at is None else to_ms(token.expires_at),
        )
        for token, user in Identities(connection, clock).list_valid_tokens()
    }
