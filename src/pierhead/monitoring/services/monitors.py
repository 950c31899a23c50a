"""Use cases on monitors and their refreshes, within the caller's transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.services.pins import Pins
from pierhead.kit.clock import Clock
from pierhead.kit.errors import AlreadyExists, InvalidState, NotFound
from pierhead.kit.ids import new_id
from pierhead.monitoring.domain.monitors import Monitor, MonitorStatus, Refresh, RefreshState, Trigger
from pierhead.monitoring.domain.schedules import next_due
from pierhead.monitoring.services.monitor_definitions import CheckedDraft
from pierhead.monitoring.store.monitors import MonitorStore
from pierhead.monitoring.store.refreshes import RefreshStore


class Monitors:
    """Tables are named by three parts."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._monitors = MonitorStore(connection)
        self._refreshes = RefreshStore(connection)
        self._pins = Pins(connection, clock)
        self._clock = clock

    def create(self, checked: CheckedDraft, *, by: str) -> Monitor:
        """A new monitor; its first refresh waits already. Raises AlreadyExists."""
        draft, now = checked.draft, self._clock.now()
        monitor = Monitor(
            id=new_id(),
            table=draft.table,
            output_schema=draft.output_schema,
            profile=draft.profile,
            slicing=draft.slicing,
            custom_metrics=draft.custom_metrics,
            baseline=checked.baseline,
            schedule=draft.schedule,
            notifications=draft.notifications,
            assets_dir=draft.assets_dir,
            facts=draft.facts,
            status=MonitorStatus.PENDING,
            message="",
            version=0,
            created_by=by,
            created_at=now,
        )
        if not self._monitors.add(monitor, due_at(monitor, now)):
            raise AlreadyExists(f"table '{draft.table}' has a monitor already")
        self._pin(monitor, checked.baseline_location)
        self._refreshes.add(monitor.id, Trigger.MANUAL, now)
        return monitor

    def update(self, table: str, checked: CheckedDraft) -> Monitor:
        """Replace the definition. The next refresh computes everything anew, thirty days back. Raises NotFound."""
        before, draft, now = self._locked(table), checked.draft, self._clock.now()
        monitor = replace(
            before,
            output_schema=draft.output_schema,
            profile=draft.profile,
            slicing=draft.slicing,
            custom_metrics=draft.custom_metrics,
            baseline=checked.baseline,
            schedule=draft.schedule,
            notifications=draft.notifications,
            assets_dir=draft.assets_dir,
            facts=draft.facts,
            version=before.version + 1,
        )
        self._monitors.put(monitor, due_at(monitor, now))
        self._pin(monitor, checked.baseline_location)
        return monitor

    def delete(self, table: str) -> None:
        """The metric tables stay. A refresh under way writes nothing any more. Raises NotFound."""
        monitor = self._locked(table)
        for holder in (baseline_holder(monitor.id), read_holder(monitor.id), refresh_holder(monitor.id)):
            self._pins.release(holder)
        self._monitors.delete(monitor.id)

    def find(self, table: str) -> Monitor | None:
        return self._monitors.find(table)

    def get(self, table: str) -> Monitor:
        """Raises NotFound."""
        monitor = self._monitors.find(table)
        if monitor is None:
            raise NotFound(f"table '{table}' has no monitor")
        return monitor

    def find_by_id(self, monitor_id: str) -> Monitor | None:
        return self._monitors.find_by_id(monitor_id)

    def list(self) -> Sequence[Monitor]:
        """By name of the table."""
        return self._monitors.list()

    def ask_refresh(self, table: str, trigger: Trigger = Trigger.MANUAL) -> Refresh:
        """A refresh that waits for its turn; if one waits already, that one. Raises NotFound."""
        monitor = self._locked(table)
        waiting = self._refreshes.find_pending(monitor.id)
        return waiting or self._refreshes.add(monitor.id, trigger, self._clock.now())

    def list_refreshes(self, table: str) -> Sequence[Refresh]:
        """Newest first. Raises NotFound."""
        return self._refreshes.list(self.get(table).id)

    def get_refresh(self, table: str, refresh_id: int) -> Refresh:
        """Raises NotFound."""
        refresh = self._refreshes.find(self.get(table).id, refresh_id)
        if refresh is None:
            raise NotFound(f"the monitor of table '{table}' has no refresh {refresh_id}")
        return refresh

    def cancel_refresh(self, table: str, refresh_id: int) -> Refresh:
        """One that runs stops before it writes. Raises NotFound, or InvalidState if it is over."""
        self._locked(table)
        refresh = self.get_refresh(table, refresh_id)
        canceled = replace(refresh, state=RefreshState.CANCELED, ended_at=self._clock.now(), message="canceled")
        if refresh.state.is_over or not self._refreshes.put(canceled, expected=refresh.state):
            raise InvalidState(f"refresh {refresh_id} is over: {refresh.state.value}")
        return canceled

    def _locked(self, table: str) -> Monitor:
        found = self._monitors.find_by_id(self.get(table).id, is_locked=True)
        if found is None:
            raise NotFound(f"table '{table}' has no monitor")
        return found

    def _pin(self, monitor: Monitor, location: Path | None) -> None:
        self._pins.release(baseline_holder(monitor.id))
        if monitor.baseline is not None and location is not None:
            reason = f"baseline of the monitor of {monitor.table}"
            self._pins.pin(location, monitor.baseline.version, reason=reason, holder=baseline_holder(monitor.id))


def due_at(monitor: Monitor, now: datetime) -> datetime | None:
    """When its schedule asks for the next refresh."""
    return None if monitor.schedule is None else next_due(monitor.schedule, now)


def baseline_holder(monitor_id: str) -> str:
    """Who pins the baseline's version."""
    return f"monitor/{monitor_id}/baseline"


def read_holder(monitor_id: str) -> str:
    """Who pins the versions that the last refresh read: the next one asks what has changed since."""
    return f"monitor/{monitor_id}/read"


def refresh_holder(monitor_id: str) -> str:
    """Who pins the versions that a refresh under way reads."""
    return f"monitor/{monitor_id}/refresh"
