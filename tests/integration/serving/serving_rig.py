"""Serving's control plane on a real database, with a worker host, environments and a registry that do as told."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import Connection
from structlog.testing import capture_logs

import pierhead.serving.store  # noqa: F401 - declares the tables
from fakes.clock import FixedClock
from fakes.serving import FakeEnvironments, FakeModelVersions, FakePlans, FakeWorkerHost, MemorySnapshotPlace
from pierhead.identity.domain.querying import Queryable
from pierhead.kit.db import Database
from pierhead.serving.domain.capacity import Machine
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint, EntitySpec, Route
from pierhead.serving.domain.routing import RoutingRules
from pierhead.serving.domain.snapshot import EndpointRoute, Principal, Snapshot
from pierhead.serving.domain.traffic import EntityTraffic, GatewayTraffic
from pierhead.serving.domain.workers import WorkerPhase
from pierhead.serving.domain.workloads import workload
from pierhead.serving.services.autoscaler import Autoscaler, Patience
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.readings import TrafficReadings
from pierhead.serving.services.reconciler import Reconciler

MODEL = "main.fraud.model"


def spec(version: str = "1", size: str = "Small", name: str | None = None, *, to_zero: bool = False) -> EntitySpec:
    return EntitySpec(MODEL, version, name=name, workload_size=size, scale_to_zero_enabled=to_zero)


def draft(*specs: EntitySpec, routes: Mapping[str, int] | None = None) -> ConfigDraft:
    split = None if routes is None else tuple(Route(name, percent * 100) for name, percent in routes.items())
    return ConfigDraft(specs or None, split)


class Rig:
    def __init__(self, folder: Path, database: Database) -> None:
        self.clock = FixedClock()
        self.database = database
        self.host = FakeWorkerHost(self.clock)
        self.environments = FakeEnvironments()
        self.plans = FakePlans()
        self.machine = Machine(memory_bytes=64 * 1024**3, cores=4)
        self.available = self.machine.memory_bytes
        self.gateways = folder / "gateways"
        self.gateways.mkdir()
        self.counts: dict[tuple[str, str], EntityTraffic] = {}
        self.at_a_time: dict[tuple[str, str], float] = {}
        self.versions = FakeModelVersions(folder / "models", *((MODEL, str(number)) for number in range(1, 5)))
        self.place = MemorySnapshotPlace()
        self.tokens: dict[str, Principal] = {"0" * 64: Principal("u1", "ada", ["admins"])}
        self.queryable = Queryable(everybody=False, groups=frozenset({"admins"}))
        self.logs = folder / "logs"
        self.errors: list[Mapping[str, object]] = []
        self.tolerates_errors = False
        self.meanwhile: Callable[[], object] = lambda: None
        """What others do after the controller has read the endpoints, and before it writes."""
        self.controller = self.new_controller()

    def new_controller(self) -> Reconciler:
        """As after a restart: only the database, the workers and the snapshot are left."""
        self.controller = Reconciler(
            database=self.database,
            clock=self.clock,
            host=self.host,
            environments=self.environments,
            plans=self.plans,
            versions=self.versions,
            snapshots=self.place,
            principals=self._principals,
            query_rights=self._query_rights,
            autoscaler=Autoscaler(self.machine, Patience(), lambda: self.available),
            traffic=TrafficReadings(self.gateways),
            rules=RoutingRules(),
            log_folder=self.logs,
            startup_timeout_s=60,
        )
        return self.controller

    def _query_rights(self, _connection: Connection, endpoints: Sequence[Endpoint]) -> dict[str, Queryable]:
        self.meanwhile()
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

    def calls(
        self, name: str = "fraud", entity: str = "model-1", *, at_a_time: float = 0.0, **gauges: int
    ) -> EntityTraffic:
        """From now on a gateway reports so many calls at a time; `gauges` are fields of `EntityTraffic`."""
        counts = self.counts.setdefault((name, entity), EntityTraffic(name, entity, {}, [], 0.0, 0))
        self.at_a_time[name, entity] = at_a_time
        for gauge in ("waiting", "native_in_flight", "native_waiting"):
            setattr(counts, gauge, gauges.get(gauge, 0))
        self._report(0.0)
        return counts

    def _report(self, span_s: float) -> None:
        for key, counts in self.counts.items():
            counts.concurrency_ms += self.at_a_time[key] * span_s * 1000
        path = self.gateways / "g1.json"
        path.write_bytes(msgspec.json.encode(GatewayTraffic("g1", 1, 0, list(self.counts.values()))))
        now_s = self.clock.now().timestamp()
        os.utime(path, (now_s, now_s))

    def pass_time(self, seconds: float) -> None:
        """Tick every other second: enough where nothing is to happen quickly."""
        self.tick(int(seconds / 2), every_s=2.0)

    def tick(self, times: int = 1, every_s: float = 0.25) -> None:
        for _ in range(times):
            with capture_logs() as logs:
                self.controller.tick()
            self.errors += [entry for entry in logs if entry["log_level"] == "error"]
            assert self.tolerates_errors or not self.errors
            self.clock.advance(every_s)
            if self.counts:
                self._report(every_s)

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

    def source(self, name: str = "fraud") -> str:
        """The workload of an endpoint's first entity, which names its logs."""
        endpoint = self.get(name)
        return workload(endpoint.id, endpoint.newest.entities[0])

    def ready_workers(self) -> set[str]:
        return set(self.host.in_phase(WorkerPhase.READY))
