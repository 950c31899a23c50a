"""How an endpoint or a table stands, from everything that is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import InvalidState, NotFound
from pierhead.monitoring.domain.alert_records import KeptAlert, Subject, SubjectKind
from pierhead.monitoring.domain.monitor_status import ColumnDrift, ModelQuality, drift_of, quality_of
from pierhead.monitoring.domain.monitors import InferenceLogProfile, Monitor, SnapshotProfile
from pierhead.monitoring.domain.table_names import requests_of
from pierhead.monitoring.domain.traffic_counts import latency_ms
from pierhead.monitoring.ports import MetricTables
from pierhead.monitoring.services.endpoint_tables import endpoint_of, find_payload
from pierhead.monitoring.services.label_coverage import read_coverage
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.live.reading import LiveDrift, read_live
from pierhead.monitoring.store.alerts import AlertStore
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.services.traffic import read_traffic
from pierhead.serving.store.endpoints import EndpointStore

PERIOD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a name stands for: a table, and the endpoint that writes it if one does."""

    table: str
    endpoint: Endpoint | None


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one served entity since its gateways count for this version; None without any request."""

    entity: str
    model: str
    requests: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class VersionCoverage:
    """Of the predictions of the last seven days."""

    model: str
    predictions: int
    labelled: int


@dataclass(frozen=True, slots=True)
class Standing:
    monitored: Monitored
    monitor: Monitor | None
    drift: Sequence[ColumnDrift] = ()
    quality: Sequence[ModelQuality] = ()
    latency: Sequence[Latency] = ()
    coverage: Sequence[VersionCoverage] = ()
    alerts: Sequence[KeptAlert] = ()
    live: LiveDrift | None = None
    """The last minutes, by what the writer counted; None for tables that no endpoint writes."""


def monitored_of(connection: Connection, name: str) -> Monitored:
    """A name with two dots is a table's, any other an endpoint's, whose predictions are meant.

    Raises NotFound if there is no such endpoint, InvalidState if it keeps no predictions.
    """
    store = EndpointStore(connection)
    if name.count(".") == 2:
        return Monitored(name, endpoint_of(name, store.list_all()))
    endpoint = store.find(name)
    if endpoint is None:
        raise NotFound(f"endpoint {name!r} does not exist; a table's name has three parts")
    payload = find_payload(endpoint)
    requests = None if payload is None else requests_of(payload)
    if requests is None:
        raise InvalidState(f"endpoint {name!r} has no inference table; set auto_capture_config, and it is monitored")
    return Monitored(requests, endpoint)


class StandingReader:
    """Reads outside of transactions: the tables may be large."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        tables: MetricTables,
        labelled: Labelled,
        gateways: Path,
        live: Path,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tables = tables
        self._labelled = labelled
        self._gateways = gateways
        self._live = live

    def read(self, monitored: Monitored) -> Standing:
        """Raises PierheadError, or one of DELTA_ERRORS."""
        now = self._clock.now()
        monitor = self._tables.find_monitor(monitored.table)
        endpoint = monitored.endpoint
        drift: Sequence[ColumnDrift] = ()
        quality: Sequence[ModelQuality] = ()
        if monitor is not None:
            drift, quality = self._measured(monitor, now)
        return Standing(
            monitored,
            monitor,
            drift,
            quality,
            [] if endpoint is None else self._latency(endpoint),
            [] if endpoint is None else self._coverage(endpoint, now),
            self._alerts(monitored),
            None if endpoint is None else read_live(self._live, monitored.table, now),
        )

    def _measured(self, monitor: Monitor, now: datetime) -> tuple[list[ColumnDrift], list[ModelQuality]]:
        profile = monitor.profile
        model_column = profile.model_id_column if isinstance(profile, InferenceLogProfile) else None
        left_out = frozenset({model_column or ""})
        if not isinstance(profile, SnapshotProfile):
            left_out |= {profile.timestamp_column}
        since = now - timedelta(days=35)
        drift = self._tables.read_drift(monitor, since).to_pylist()
        found = drift_of(drift, model_column=model_column, left_out=left_out)
        if model_column is None:
            return found, []
        return found, quality_of(self._tables.read_profile(monitor, since).to_pylist(), model_column=model_column)

    def _latency(self, endpoint: Endpoint) -> list[Latency]:
        traffic = read_traffic(self._gateways, endpoint.name).by_entity
        return [
            Latency(
                entity,
                f"{total.model_name}/{total.model_version}",
                total.requests_by_status.total(),
                sum(count for status, count in total.requests_by_status.items() if status.startswith("5")),
                *(latency_ms(total.latency_counts, share) for share in (0.5, 0.95, 0.99)),
            )
            for entity, total in traffic.items()
        ]

    def _coverage(self, endpoint: Endpoint, now: datetime) -> list[VersionCoverage]:
        payload = find_payload(endpoint)
        if payload is None:
            return []
        found = read_coverage(self._labelled, payload, since=now - PERIOD, until=now, width=PERIOD, now=now)
        counts: dict[str, tuple[int, int]] = {}
        for cohort in found.cohorts:
            model = f"{cohort.model_name}/{cohort.model_version}"
            predictions, labelled = counts.get(model, (0, 0))
            counts[model] = (predictions + cohort.predictions, labelled + cohort.labelled)
        return [VersionCoverage(model, *count) for model, count in sorted(counts.items())]

    def _alerts(self, monitored: Monitored) -> list[KeptAlert]:
        subjects = [Subject(SubjectKind.TABLE, monitored.table, monitored.table)]
        if monitored.endpoint is not None:
            subjects.append(Subject(SubjectKind.ENDPOINT, monitored.endpoint.id, monitored.endpoint.name))
        with self._database.reading() as connection:
            store = AlertStore(connection)
            return [alert for subject in subjects for alert in store.list_open(subject)]
