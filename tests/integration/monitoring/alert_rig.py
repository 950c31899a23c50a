"""Alerts on a real database and real Delta tables: an endpoint `wine` with an inference table, a monitor whose output
is written by hand, receivers on loopback ports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from deltalake import write_deltalake
from sqlalchemy import Connection

import pierhead.rollouts.store
import pierhead.serving.store  # noqa: F401 - declares the tables
from fakes.clock import FixedClock
from fakes.serving import FakeModelVersions
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState
from pierhead.kit.sealing import Seal
from pierhead.monitoring.adapters.smtp_mail import SmtpMail, SmtpServer
from pierhead.monitoring.domain.alert_records import KeptAlert, Subject, SubjectKind
from pierhead.monitoring.domain.alert_yaml import parse_rules
from pierhead.monitoring.domain.destinations import DestinationDraft, DestinationKind
from pierhead.monitoring.domain.monitors import InferenceLogProfile, Monitor, MonitorStatus, Notifications, ProblemType
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.services.alert_actions import AlertActions, Controls
from pierhead.monitoring.services.alert_deliveries import AlertDeliveries, AlertSender
from pierhead.monitoring.services.alert_loop import AlertLoop, AlertSurroundings
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.alert_rules import AlertRules, Applied
from pierhead.monitoring.services.destinations import Destinations
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.metric_columns import drift_schema, profile_schema
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.table_metrics import TableMetrics
from pierhead.monitoring.services.traffic_windows import TrafficWindows
from pierhead.monitoring.store.alerts import AlertStore
from pierhead.monitoring.store.monitors import MonitorStore
from pierhead.registry.adapters.http_deliverer import HttpDeliverer
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.domain.endpoints import Endpoint, EntitySpec, Route
from pierhead.serving.domain.traffic import LATENCY_BOUNDS_MS, EntityTraffic, GatewayTraffic
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.store.tables import endpoint_configs

MODEL = "main.wine.quality"
REQUESTS = "main.wine.quality_requests"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "shared"

MONITOR = Monitor(
    id="m1",
    table=REQUESTS,
    output_schema="main.wine",
    profile=InferenceLogProfile(
        ProblemType.CLASSIFICATION, "timestamp", (Granularity.HOUR,), "prediction", "model_version", "label"
    ),
    slicing=("country",),
    custom_metrics=(),
    baseline=None,
    schedule=None,
    notifications=Notifications(),
    assets_dir="",
    facts={},
    status=MonitorStatus.ACTIVE,
    message="",
    version=0,
    created_by="ada",
    created_at=START,
)


@dataclass
class ToldControls:
    """What alerts did to promotions and rollouts."""

    frozen: dict[str, str] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)
    has_rollout: bool = True

    def freeze(self, _connection: Connection, model_name: str, message: str, at: datetime) -> None:
        assert at.tzinfo is not None
        self.frozen[model_name] = message

    def thaw(self, _connection: Connection, model_name: str, at: datetime) -> None:
        assert at.tzinfo is not None
        del self.frozen[model_name]

    def hold(self, _connection: Connection, endpoint_name: str, reason: str) -> str:
        return self._act("hold", endpoint_name, reason)

    def roll_back(self, _connection: Connection, endpoint_name: str, reason: str) -> str:
        return self._act("roll back", endpoint_name, reason)

    def _act(self, what: str, endpoint_name: str, reason: str) -> str:
        assert reason
        if not self.has_rollout:
            raise InvalidState("no rollout is under way")
        self.acts.append(f"{what} {endpoint_name}")
        return "done"


class AlertRig:
    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.clock = FixedClock(START)
        self.tables, self.gateways = folder / "tables", folder / "gateways"
        self.gateways.mkdir()
        self.controls = ToldControls()
        self.seal = Seal(b"k" * 32, "test")
        self.smtp = SmtpServer()
        self.versions = FakeModelVersions(folder / "models", (MODEL, "1"), (MODEL, "2"))
        self.endpoint = self._make_endpoint()
        with database.transaction() as connection:
            MonitorStore(connection).add(MONITOR, None)
        self.counts: dict[str, EntityTraffic] = {}
        self.dropped = 0
        self.loop = self.new_loop()

    def _make_endpoint(self) -> Endpoint:
        specs = tuple(EntitySpec(MODEL, str(version), name=f"e{version}", workload_size="Small") for version in (1, 2))
        draft = ConfigDraft(specs, (Route("e1", 5000), Route("e2", 5000)), CaptureConfig("main", "wine", "quality"))
        with self.database.transaction() as connection:
            Endpoints(connection, self.clock, self.versions).create("wine", draft, creator="ada")
            connection.execute(endpoint_configs.update().values(status="active"))
            return Endpoints(connection, self.clock, self.versions).get("wine")

    @property
    def subject(self) -> Subject:
        return Subject(SubjectKind.ENDPOINT, self.endpoint.id, "wine")

    @property
    def metrics(self) -> AlertMetrics:
        return AlertMetrics(self.database, self.table_metrics, Labelled(self.tables))

    def new_loop(self) -> AlertLoop:
        """As after a restart of the controller."""
        self.table_metrics = TableMetrics(MonitorOutput(self.database, self.tables))
        around = AlertSurroundings(
            TrafficWindows(self.database, self.gateways),
            self.table_metrics,
            self.metrics,
            AlertActions(self.database, Controls(self.controls, self.controls)),
        )
        self.loop = AlertLoop(self.database, self.clock, around)
        return self.loop

    def deliveries(self) -> AlertDeliveries:
        sender = AlertSender(self.seal, HttpDeliverer(), SmtpMail(self.smtp, self.clock))
        return AlertDeliveries(self.database, self.clock, sender, draw=lambda: 0.5)

    def deliver(self, of: AlertDeliveries | None = None) -> None:
        """Everything that is due now."""
        deliveries = of or self.deliveries()
        for _ in range(3):
            deliveries.tick()
            assert deliveries.settle(10)

    def apply(self, rules: str) -> Applied:
        with self.database.transaction() as connection:
            wanted = parse_rules(f"endpoint: wine\nrules:\n{rules}".encode())
            return AlertRules(connection, self.clock).apply(self.subject, wanted, by="ada")

    def destination(self, url: str, name: str = "default", kind: DestinationKind = DestinationKind.WEBHOOK) -> None:
        secrets = {"secret": SECRET} if kind is DestinationKind.WEBHOOK else {}
        draft = DestinationDraft(name, kind, url, secrets=secrets)
        if kind is DestinationKind.EMAIL:
            draft = DestinationDraft(name, kind, addresses=("ops@example.com",))
        with self.database.transaction() as connection:
            Destinations(connection, self.clock, self.seal).create(draft, by="ada")

    def drift(self, hour: int, psi: Mapping[str, float], **fields: Any) -> None:
        """The hour's rows of drift against the baseline."""
        rows = [_row(hour, column, population_stability_index=value, **fields) for column, value in psi.items()]
        self.write(MONITOR.drift_table, rows, drift_schema(MONITOR))

    def profile(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.write(MONITOR.profile_table, rows, profile_schema(MONITOR))

    def write(self, name: str, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
        write_deltalake(table_path(self.tables, name), pa.Table.from_pylist(list(rows), schema), mode="append")

    def at(self, hour: float) -> None:
        """It is so many hours after START, and the loop looks once."""
        self.clock.advance((START + hour * HOUR - self.clock.now()).total_seconds())
        self.loop.tick()

    def serve(self, entity: str, count: int, *, status: int = 200, latency_ms: float = 5.0) -> None:
        """A gateway has answered so many more invocations."""
        known = self.counts.setdefault(entity, EntityTraffic("wine", entity, {}, [0] * 19, 0.0, 0))
        known.requests_by_status[str(status)] = known.requests_by_status.get(str(status), 0) + count
        place = next((i for i, bound in enumerate(LATENCY_BOUNDS_MS) if latency_ms <= bound), 18)
        known.latency_counts[place] += count
        self.report()

    def report(self) -> None:
        lost = {"main.wine.quality_payload": self.dropped}
        report = GatewayTraffic("g1", 1, self.dropped, list(self.counts.values()), records_dropped_by_table=lost)
        (self.gateways / "g1.json").write_bytes(msgspec.json.encode(report))

    def alerts(self) -> dict[str, KeptAlert]:
        """By `rule` or `rule/series`."""
        with self.database.reading() as connection:
            found = AlertStore(connection).list_all()
        return {f"{each.rule.rule.name}/{each.series}".rstrip("/"): each for each in found}

    def statuses(self) -> dict[str, str]:
        return {name: alert.state.status.value for name, alert in self.alerts().items()}


def window(hour: int) -> dict[str, datetime]:
    return {"start": START + hour * HOUR, "end": START + (hour + 1) * HOUR}


def _row(hour: int, column: str, **fields: Any) -> dict[str, Any]:
    usual = {
        "window": window(hour),
        "granularity": "1 hour",
        "column_name": column,
        "drift_type": "BASELINE",
        "model_version": "*",
        "n_cur": 2000,
        "n_cmp": 5000,
        "method_spec": '{"statistic": "psi", "bins": 10}',
        "null_bound": 0.02,
    }
    return usual | fields
