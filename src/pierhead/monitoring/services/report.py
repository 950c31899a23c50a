"""Reads what a report of an endpoint is made of. What cannot be read is said in the report; the rest is shown."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS, find_table, first_line
from pierhead.kit.errors import PierheadError
from pierhead.monitoring.domain import report_period
from pierhead.monitoring.domain.alert_records import KeptAlert, Subject, SubjectKind
from pierhead.monitoring.domain.cohorts import LabelDelays
from pierhead.monitoring.domain.monitors import Monitor, SnapshotProfile
from pierhead.monitoring.domain.report import Report, compose
from pierhead.monitoring.domain.report_facts import Facts, FirstAnswer, MonitorFact, ServedFact, TrafficFact
from pierhead.monitoring.domain.table_names import labels_of, requests_of
from pierhead.monitoring.domain.windows import Granularity, Window
from pierhead.monitoring.services.endpoint_tables import find_payload
from pierhead.monitoring.services.labelled import Labelled, read_delays
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.report_metrics import MetricRows, Metrics
from pierhead.monitoring.services.report_tables import ReportTables
from pierhead.monitoring.services.report_traffic import PayloadTraffic
from pierhead.monitoring.store.alerts import AlertStore
from pierhead.monitoring.store.monitors import MonitorStore
from pierhead.serving.domain.endpoints import Endpoint, EndpointConfig

_WITHOUT_MONITOR = (Granularity.MINUTES_5, Granularity.HOUR, Granularity.DAY)
T = TypeVar("T")


class Reports:
    """Reports of endpoints; opens its own transactions, none of them while tables are read."""

    def __init__(self, database: Database, clock: Clock, tables: Path, labelled: Labelled) -> None:
        """`tables` is the folder of the platform's own tables."""
        self._database = database
        self._clock = clock
        self._tables = tables
        self._labelled = labelled

    def read(self, endpoint: Endpoint, since: datetime | None = None) -> Report:
        """The report as of now; `since` None is when the endpoint's data begins, two weeks ago at most."""
        now, payload, trying = self._clock.now(), find_payload(endpoint), _Trying()
        requests = None if payload is None else requests_of(payload)
        monitor, alerts = self._kept(endpoint, requests)
        answers = self._first_answers(payload, trying)
        first = answers[0].at if answers else None
        period, granularity = report_period.choose(now, _granularities(monitor), since=since, first=first)
        metrics = Metrics() if monitor is None else self._read_metrics(monitor, granularity, period, trying)
        return compose(
            Facts(
                endpoint=endpoint.name,
                now=now,
                period=period,
                granularity=granularity,
                served=_served(endpoint),
                payload=payload,
                monitor=None if monitor is None else _monitor(monitor, metrics),
                alerts=alerts,
                drift=metrics.drift,
                columns=metrics.columns,
                quality=metrics.quality,
                traffic=self._traffic(payload, granularity, period, trying),
                first_answers=[each for each in answers if each.at >= period.start],
                delays=self._delays(payload, period, trying),
                problems=trying.problems,
            )
        )

    def _read_metrics(self, monitor: Monitor, granularity: Granularity, period: Window, trying: "_Trying") -> Metrics:
        tables, nothing = ReportTables(self._tables, monitor, granularity, period), pa.table({})
        drift = trying.to(f"table {monitor.drift_table}", tables.drift, nothing)
        columns = trying.to(f"table {monitor.profile_table}", tables.columns, nothing)
        quality = trying.to(f"table {monitor.profile_table}", tables.quality, nothing)
        return MetricRows(monitor).read(drift, columns, quality)

    def _first_answers(self, payload: str | None, trying: "_Trying") -> list[FirstAnswer]:
        if payload is None:
            return []
        table = PayloadTraffic(table_path(self._tables, payload))
        return trying.to(f"table {payload}", table.first_answers, [])

    def _traffic(
        self, payload: str | None, granularity: Granularity, period: Window, trying: "_Trying"
    ) -> list[TrafficFact]:
        if payload is None:
            return []
        table = PayloadTraffic(table_path(self._tables, payload))
        return trying.to(f"table {payload}", lambda: table.windows(granularity, period), [])

    def _delays(self, payload: str | None, period: Window, trying: "_Trying") -> LabelDelays:
        labels = None if payload is None else labels_of(payload)
        if payload is None or labels is None:
            return LabelDelays()

        def read() -> LabelDelays:
            if find_table(table_path(self._tables, labels)) is None:
                return LabelDelays()
            with self._labelled.querying(payload, period.start, period.end) as database:
                return read_delays(database)

        return trying.to(f"table {labels}", read, LabelDelays())

    def _kept(self, endpoint: Endpoint, requests: str | None) -> tuple[Monitor | None, list[KeptAlert]]:
        """The monitor of the table of predictions, and the alerts that are open for the endpoint or that table."""
        subjects = [Subject(SubjectKind.ENDPOINT, endpoint.id, endpoint.name)]
        if requests is not None:
            subjects.append(Subject(SubjectKind.TABLE, requests, requests))
        with self._database.reading() as connection:
            alerts = [alert for subject in subjects for alert in AlertStore(connection).list_open(subject)]
            return None if requests is None else MonitorStore(connection).find(requests), alerts


class _Trying:
    """Remembers what could not be read."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def to(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except (PierheadError, duckdb.Error, *DELTA_ERRORS) as error:
            said = error.message if isinstance(error, PierheadError) else first_line(error)
            self.problems.append(f"{what}: {said}")
            return otherwise


def _granularities(monitor: Monitor | None) -> tuple[Granularity, ...]:
    if monitor is None or isinstance(monitor.profile, SnapshotProfile):
        return _WITHOUT_MONITOR
    return monitor.profile.granularities


def _monitor(monitor: Monitor, metrics: Metrics) -> MonitorFact:
    return MonitorFact(
        table=monitor.table,
        profile_table=monitor.profile_table,
        drift_table=monitor.drift_table,
        status=monitor.status,
        message=monitor.message,
        reference=metrics.reference,
        table_version=metrics.table_version,
        computed_at=metrics.computed_at,
    )


def _served(endpoint: Endpoint) -> list[ServedFact]:
    found = [] if endpoint.active is None else _entities(endpoint.active, "active")
    ramp = endpoint.ramp
    if ramp is not None and endpoint.is_ramping and endpoint.pending is not None:
        known = {each.model for each in found}
        candidates = [each for each in _entities(endpoint.pending, "candidate") if each.model not in known]
        found += [ServedFact(each.name, each.model, ramp.points, each.role) for each in candidates]
    return found


def _entities(config: EndpointConfig, role: str) -> list[ServedFact]:
    return [
        ServedFact(entity.name, f"{entity.model_name}/{entity.model_version}", config.points(entity.name), role)
        for entity in config.entities
    ]
