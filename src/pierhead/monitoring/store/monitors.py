"""Monitors as rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pierhead.monitoring.domain.monitors import (
    Baseline,
    CustomMetric,
    InferenceLogProfile,
    Monitor,
    MonitorStatus,
    Notifications,
    Schedule,
    SnapshotProfile,
    TimeSeriesProfile,
)
from pierhead.monitoring.store.monitor_tables import monitors


@dataclass(frozen=True, slots=True)
class _Definition:
    """The JSON of a row; exactly one of the three profiles is there."""

    inference_log: InferenceLogProfile | None = None
    time_series: TimeSeriesProfile | None = None
    snapshot: SnapshotProfile | None = None
    slicing: tuple[str, ...] = ()
    custom_metrics: tuple[CustomMetric, ...] = ()
    baseline: Baseline | None = None
    is_paused: bool = False
    notifications: Notifications = field(default_factory=Notifications)
    assets_dir: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


_DEFINITION = msgspec.json.Decoder(_Definition)


class MonitorStore:
    """Rows to domain objects and back; never commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, monitor: Monitor, due_at: datetime | None) -> bool:
        """False if the table has a monitor already."""
        values = {"id": monitor.id, "created_by": monitor.created_by, "created_at": monitor.created_at}
        try:
            with self._connection.begin_nested():
                self._connection.execute(insert(monitors).values(**values, **_values(monitor), due_at=due_at))
        except IntegrityError:
            return False
        return True

    def put(self, monitor: Monitor, due_at: datetime | None) -> None:
        """Replace the definition and the state."""
        changed = update(monitors).where(monitors.c.id == monitor.id)
        self._connection.execute(changed.values(**_values(monitor), due_at=due_at))

    def set_status(self, monitor_id: str, status: MonitorStatus, message: str) -> None:
        changed = update(monitors).where(monitors.c.id == monitor_id)
        self._connection.execute(changed.values(status=status.value, message=message))

    def set_due(self, monitor_id: str, due_at: datetime | None) -> None:
        self._connection.execute(update(monitors).where(monitors.c.id == monitor_id).values(due_at=due_at))

    def delete(self, monitor_id: str) -> None:
        self._connection.execute(delete(monitors).where(monitors.c.id == monitor_id))

    def find(self, table: str) -> Monitor | None:
        return self._one(select(monitors).where(monitors.c.table_name == table))

    def find_by_id(self, monitor_id: str, *, is_locked: bool = False) -> Monitor | None:
        """`is_locked`: nobody else writes it before this transaction ends."""
        query = select(monitors).where(monitors.c.id == monitor_id)
        return self._one(query.with_for_update() if is_locked else query)

    def list_due(self, now: datetime) -> list[Monitor]:
        """Those whose schedule asks for a refresh by now, the longest due first."""
        query = select(monitors).where(monitors.c.due_at <= now).order_by(monitors.c.due_at, monitors.c.id)
        return [_monitor(row) for row in self._connection.execute(query)]

    def list(self) -> list[Monitor]:
        """By name of the table."""
        return [_monitor(row) for row in self._connection.execute(select(monitors).order_by(monitors.c.table_name))]

    def _one(self, query: Select[Any]) -> Monitor | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _monitor(row)


def _values(monitor: Monitor) -> dict[str, Any]:
    profile, schedule = monitor.profile, monitor.schedule
    definition = _Definition(
        inference_log=profile if isinstance(profile, InferenceLogProfile) else None,
        time_series=profile if isinstance(profile, TimeSeriesProfile) else None,
        snapshot=profile if isinstance(profile, SnapshotProfile) else None,
        slicing=monitor.slicing,
        custom_metrics=monitor.custom_metrics,
        baseline=monitor.baseline,
        is_paused=schedule is not None and schedule.is_paused,
        notifications=monitor.notifications,
        assets_dir=monitor.assets_dir,
        facts=monitor.facts,
    )
    return {
        "table_name": monitor.table,
        "output_schema": monitor.output_schema,
        "definition": msgspec.json.encode(definition).decode(),
        "quartz_cron": None if schedule is None else schedule.quartz_cron,
        "time_zone": None if schedule is None else schedule.time_zone,
        "status": monitor.status.value,
        "message": monitor.message,
        "version": monitor.version,
    }


def _monitor(row: Row[Any]) -> Monitor:
    kept = _DEFINITION.decode(row.definition)
    profile = kept.inference_log or kept.time_series or kept.snapshot
    assert profile is not None, "a monitor's row without a profile"
    is_scheduled = row.quartz_cron is not None
    return Monitor(
        id=row.id,
        table=row.table_name,
        output_schema=row.output_schema,
        profile=profile,
        slicing=kept.slicing,
        custom_metrics=kept.custom_metrics,
        baseline=kept.baseline,
        schedule=Schedule(row.quartz_cron, row.time_zone, kept.is_paused) if is_scheduled else None,
        notifications=kept.notifications,
        assets_dir=kept.assets_dir,
        facts=kept.facts,
        status=MonitorStatus(row.status),
        message=row.message,
        version=row.version,
        created_by=row.created_by,
        created_at=row.created_at,
    )
