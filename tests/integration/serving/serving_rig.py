"""Serving's control plane on a real database, with a worker host, environments and a registry that do as told."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from structlog.testing import capture_logs

import pierhead.serving.store  # noqa: F401 - declares the tables
from fakes.clock import FixedClock
from fakes.serving import FakeEnvironments, FakeModelVersions, FakeWorkerHost, MemorySnapshotPlace
from pierhead.identity.domain.querying import Queryable
from pierhead.kit.db import Database
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint, EntitySpec, Route
from pierhead.serving.domain.snapshot import EndpointRoute, Principal, Snapshot
from pierhead.serving.domain.workers import WorkerPhase
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.reconciler import Reconciler

MODEL = "main.fraud.model"


def spec(version: str = "1", size: str = "Small", name: str | None = None) -> EntitySpec:
    return EntitySpec(MODEL, version, name=name, workload_size=size, scale_to_zero_enabled=True)


def draft(*specs: EntitySpec, routes: Mapping[str, int] | None = None) -> ConfigDraft:
    split = None if routes is None else tuple(Route(name, weight) for name, weight in routes.items())
    return ConfigDraft(specs or None, split)


class Rig:
    def __init__(self, folder: Path, database: Database) -> None:
        self.clock = FixedClock()
        self.database = database
        self.host = FakeWorkerHost(self.clock)
        self.environments = FakeEnvironments()
        self.versions = FakeModelVersions(folder / "models", *((MODEL, str(number)) for number in range(1, 5)))
        self.place = MemorySnapshotPlace()
        self.tokens: dict[str, Principal] = {"0" * 64: Principal("u1", "ada", ["admins"])}
        self.queryable = Queryable(everybody=False, groups=frozenset({"admins"}))
        self.logs = folder / "logs"
        self.errors: list[Mapping[str, object]] = []
        self.tolerates_errors = False
        self.controller = self.new_controller()

    def new_controller(self) -> Reconciler:
        """As after a restart: only the database, the workers and the snapshot are left."""
        self.controller = Reconciler(
            database=self.database,
            clock=self.clock,
            host=self.host,
            environments=self.environments,
            versions=self.versions,
            snapshots=self.place,
            principals=self._principals,
            query_rights=self._query_rights,
            log_folder=self.logs,
            startup_timeout_s=60,
        )
        return self.controller

    def _query_rights(self, _connection: Connection, endpoints: Sequence[Endpoint]) -> dict[str, Queryable]:
        return {endpoint.id: self.queryable for endpoint in endpoints}

    def _principals(self, _connection: Connection) -> dict[str, Principal]:
        return dict(self.tokens)

    def close(self) -> None:
        self.controller.stop()

    @contextmanager
    def endpoints(self) -> Iterator[Endpoints]:
        with self.database.transaction() as connection:
            yield Endpoints(connection, self.clock, self.versions)

    def create(self, name: str = "fraud", *specs: EntitySpec, routes: Mapping[str, int] | None = None) -> Endpoint:
        with self.endpoints() as endpoints:
            return endpoints.create(name, draft(*(specs or (spec(),)), routes=routes), creator="ada")

    def update(self, name: str = "fraud", *specs: EntitySpec, routes: Mapping[str, int] | None = None) -> Endpoint:
        with self.endpoints() as endpoints:
            return endpoints.update_config(name, draft(*specs, routes=routes), creator="ada")

    def get(self, name: str = "fraud") -> Endpoint:
        with self.database.reading() as connection:
            return Endpoints(connection, self.clock, self.versions).get(name)

    def events(self, name: str = "fraud") -> list[str]:
        with self.endpoints() as endpoints:
            return [f"{event.kind}: {event.message}" for event in endpoints.list_events(name)]

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            with capture_logs() as logs:
                self.controller.tick()
            self.errors += [entry for entry in logs if entry["log_level"] == "error"]
            assert self.tolerates_errors or not self.errors
            self.clock.advance(0.25)

    def until(self, is_so: Callable[[], bool], most_ticks: int = 400) -> None:
        """Tick until something is so; builds run in threads, so give them a moment now and then."""
        for _ in range(most_ticks):
            if is_so():
                return
            self.tick()
            time.sleep(0.002)
        raise AssertionError("it never came about")

    def until_ready(self, name: str = "fraud") -> None:
        self.until(lambda: self.get(name).is_ready and self.get(name).pending is None)

    def until_failed(self, name: str = "fraud") -> None:
        self.until(lambda: self.get(name).failed is not None)

    @property
    def snapshot(self) -> Snapshot:
        assert self.place.snapshot is not None
        return self.place.snapshot

    def route(self, name: str = "fraud") -> EndpointRoute:
        return self.snapshot.endpoints[name]

    def routed_workers(self, name: str = "fraud") -> set[str]:
        """Ids of the workers that gateways know for an endpoint."""
        return {Path(socket).stem for entity in self.route(name).entities for socket in entity.sockets}

    def ready_workers(self) -> set[str]:
        return set(self.host.in_phase(WorkerPhase.READY))
