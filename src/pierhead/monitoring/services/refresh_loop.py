"""The loop that keeps monitors' metrics: one refresh at a time, from being asked for to its rows in the tables.

What a refresh reads is decided and written down when it begins; each of its two tables takes its rows in one commit
that records the refresh. So one that was killed is begun again, does what is left, and the outcome is the same.
"""

import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path

import duckdb
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from pierhead.catalog.services.pins import Pins
from pierhead.kit.clock import Clock, monotonic_s
from pierhead.kit.db import Database
from pierhead.kit.delta import DELTA_ERRORS, first_line
from pierhead.kit.errors import InvalidState, NotFound, PierheadError
from pierhead.monitoring.domain.monitors import Monitor, MonitorStatus, Refresh, RefreshState, Trigger
from pierhead.monitoring.domain.retry import refresh_pause
from pierhead.monitoring.services.delta_sql import interrupting
from pierhead.monitoring.services.metric_columns import DRIFT_FIRST, PROFILE_FIRST
from pierhead.monitoring.services.metric_tables import check_ours, keep_up, replace_rows
from pierhead.monitoring.services.monitors import due_at, read_holder, refresh_holder
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.profiling.run import Inputs, Metrics, compute_metrics
from pierhead.monitoring.services.refresh_sources import Sources
from pierhead.monitoring.store.monitors import MonitorStore
from pierhead.monitoring.store.refreshes import RefreshStore

log = structlog.get_logger()

LONGEST_S = 3600.0
"""After so long a refresh is given up: an expression of its owner may never end."""

LONGEST_WITH_SQL_S = 900.0
"""The same for monitors with expressions: all others wait for them."""

TOO_LONG = "the refresh took too long"
"""How the message of one that was given up begins."""

Failed = Callable[[Connection, Monitor, Refresh], object]
"""What hears of a refresh that failed, in the transaction that says so, of the monitor as it was before."""


_EXPECTED = (duckdb.Error, *DELTA_ERRORS, ValueError, OSError)


class _TooLong(InvalidState):
    """Between two queries, where nothing is there to be interrupted."""


class _Over(Exception):
    """The refresh was canceled, or its monitor deleted, while it ran."""


@dataclass(frozen=True, slots=True)
class RefreshSurroundings:
    """What the loop works with: `tables` is the folder of the platform's own tables, `pinned` says which versions of a
    table must stay readable. `work` is a folder that nobody else uses, for files of a refresh under way; without one
    they lie where the system has temporary files."""

    sources: Sources
    tables: Path
    pinned: Callable[[Path], Collection[int]]
    failed: Failed = lambda _connection, _monitor, _refresh: None
    work: Path | None = None
    longest_s: float = LONGEST_S


class RefreshLoop:
    """One per controller; everything it knows is in the database and in the tables."""

    def __init__(self, database: Database, clock: Clock, surroundings: RefreshSurroundings) -> None:
        self._database = database
        self._clock = clock
        self._around = surroundings
        self._is_tidy = False

    def tick(self) -> bool:
        """Ask for what is due, and work on one refresh to its end; whether there was one."""
        self._tidy()
        self._ask_due()
        with self._database.reading() as connection:
            refresh = RefreshStore(connection).find_next()
            monitor = None if refresh is None else MonitorStore(connection).find_by_id(refresh.monitor_id)
        if refresh is None or monitor is None:
            return False
        began_s, longest_s = monotonic_s(), self._longest_s(monitor)
        try:
            self._work(monitor, self._begun(monitor, refresh))
        except _Over:
            log.info("refresh was canceled", table=monitor.table, refresh=refresh.id)
        except SQLAlchemyError:
            # Our own database is away: the refresh goes on when it is back.
            raise
        except Exception as error:  # whatever is wrong with this monitor, the next one must have its turn
            if self._is_canceled(refresh):
                log.info("refresh was canceled", table=monitor.table, refresh=refresh.id, reason=str(error))
                return True
            self._fail(monitor, refresh, error, is_too_long=monotonic_s() - began_s >= longest_s)
        return True

    def _tidy(self) -> None:
        """Take away what a refresh that was killed has left, which may be many gigabytes."""
        work = self._around.work
        if self._is_tidy or work is None:
            return
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._is_tidy = True

    def _ask_due(self) -> None:
        now = self._clock.now()
        with self._database.reading() as connection:
            due = MonitorStore(connection).list_due(now)
        if not due:
            return
        with self._database.transaction() as connection:
            monitors, refreshes = MonitorStore(connection), RefreshStore(connection)
            for monitor in monitors.list_due(now):
                if refreshes.find_pending(monitor.id) is None:
                    refreshes.add(monitor.id, Trigger.SCHEDULE, now)
                monitors.set_due(monitor.id, due_at(monitor, now))

    def _begun(self, monitor: Monitor, refresh: Refresh) -> Refresh:
        """RUNNING, with the versions that it reads, which are pinned. Raises NotFound or InvalidState."""
        if refresh.state is RefreshState.RUNNING:
            return refresh
        table = self._around.sources.newest(monitor)
        with self._database.transaction() as connection:
            last = RefreshStore(connection).find_last_success(monitor.id)
            is_same = last is not None and last.monitor_version == monitor.version
            begun = replace(
                refresh,
                state=RefreshState.RUNNING,
                began_at=self._clock.now(),
                from_versions=last.to_versions if last is not None and is_same else {},
                to_versions=table.versions,
                monitor_version=monitor.version,
            )
            if not RefreshStore(connection).put(begun, expected=RefreshState.PENDING):
                raise _Over
            self._pin(connection, monitor, refresh_holder(monitor.id), table.locations)
        return begun

    def _work(self, monitor: Monitor, refresh: Refresh) -> None:
        if monitor.version != refresh.monitor_version:
            # It was changed after this one had begun: what it asks for now is for the next one.
            self._end(monitor, refresh, RefreshState.CANCELED, "the monitor was changed meanwhile")
            return
        sources = self._around.sources
        table = sources.at(monitor, dict(refresh.to_versions))
        before = sources.find_at(monitor, dict(refresh.from_versions)) if refresh.from_versions else None
        with self._database.reading() as connection:
            last = RefreshStore(connection).find_last_success(monitor.id)
        inputs = Inputs(
            monitor, refresh, table, before, None if last is None else last.asked_at, sources.baselines(monitor)
        )
        with tempfile.TemporaryDirectory(prefix="pierhead-refresh-", dir=self._around.work) as folder:
            longest_s = self._longest_s(monitor)
            check = partial(self._check_in_time, refresh, monotonic_s() + longest_s)
            is_canceled = partial(self._is_canceled, refresh)
            bounded = partial(interrupting, after_s=longest_s, is_canceled=is_canceled)
            metrics = compute_metrics(inputs, Path(folder), check, bounded)
            if metrics.is_changed:
                self._write(monitor, refresh, metrics)
        self._succeed(monitor, refresh, table.locations, metrics.message)

    def _longest_s(self, monitor: Monitor) -> float:
        has_sql = bool(monitor.custom_metrics or monitor.slicing)
        return min(self._around.longest_s, LONGEST_WITH_SQL_S) if has_sql else self._around.longest_s

    def _write(self, monitor: Monitor, refresh: Refresh, metrics: Metrics) -> None:
        app_id = f"monitor/{monitor.id}"
        for name, rows, replaced, first in (
            (monitor.profile_table, metrics.profile, metrics.replaced_profile, PROFILE_FIRST),
            (monitor.drift_table, metrics.drift, metrics.replaced_drift, DRIFT_FIRST),
        ):
            self._check(refresh)
            path = table_path(self._around.tables, name)
            check_ours(path, name, first)
            replace_rows(path, rows, replaced, app_id=app_id, version=refresh.id)
            try:
                keep_up(path, self._around.pinned(path))
            except DELTA_ERRORS as error:
                log.error("metric table cannot be tidied", table=name, reason=first_line(error))

    def _check_in_time(self, refresh: Refresh, until_s: float) -> None:
        self._check(refresh)
        if monotonic_s() >= until_s:
            raise _TooLong("there was more to compute")

    def _check(self, refresh: Refresh) -> None:
        """Raises _Over if it was canceled or its monitor is gone."""
        with self._database.reading() as connection:
            found = RefreshStore(connection).find(refresh.monitor_id, refresh.id)
        if found is None or found.state is not RefreshState.RUNNING:
            raise _Over

    def _is_canceled(self, refresh: Refresh) -> bool:
        try:
            with self._database.reading() as connection:
                found = RefreshStore(connection).find(refresh.monitor_id, refresh.id)
        except SQLAlchemyError:
            # Our own database is away: that says nothing of what anybody wants.
            return False
        return found is None or found.state.is_over

    def _succeed(self, monitor: Monitor, refresh: Refresh, read: dict[Path, int], message: str) -> None:
        self._end(monitor, refresh, RefreshState.SUCCESS, message, read)
        log.info("monitor refreshed", table=monitor.table, refresh=refresh.id, versions=dict(refresh.to_versions))

    def _fail(self, monitor: Monitor, refresh: Refresh, error: Exception, *, is_too_long: bool) -> None:
        if isinstance(error, PierheadError):
            message = error.message
        elif isinstance(error, _EXPECTED):
            message = first_line(error)
        else:
            message = f"{type(error).__name__}, which nobody foresaw; the controller's log has more"
            log.exception("refresh broke", table=monitor.table, refresh=refresh.id)
        if is_too_long:
            message = f"{TOO_LONG}, more than {self._longest_s(monitor) / 60:g} minutes, and was given up: {message}"
        log.error("refresh failed", table=monitor.table, refresh=refresh.id, reason=message)
        self._end(monitor, refresh, RefreshState.FAILED, message, is_lost=isinstance(error, NotFound))
        if is_too_long:
            self._put_off(monitor)

    def _put_off(self, monitor: Monitor) -> None:
        """There is one thread for all monitors: one that held it so long lets the others go first, the longer the more
        often it did."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            found = MonitorStore(connection).find_by_id(monitor.id)
            if found is None or found.version != monitor.version:
                return
            ended = [each for each in RefreshStore(connection).list(monitor.id) if each.state.is_over]
            given_up = takewhile(lambda each: each.message.startswith(TOO_LONG), ended)
            times = sum(each.monitor_version == monitor.version for each in given_up)
            MonitorStore(connection).set_due(monitor.id, due_at(found, now + refresh_pause(times)))

    def _end(
        self,
        monitor: Monitor,
        refresh: Refresh,
        state: RefreshState,
        message: str,
        read: dict[Path, int] | None = None,
        *,
        is_lost: bool = False,
    ) -> None:
        with self._database.transaction() as connection:
            store = RefreshStore(connection)
            found = store.find(monitor.id, refresh.id)
            if found is None or found.state.is_over:
                return
            ended = replace(found, state=state, ended_at=self._clock.now(), message=message)
            store.put(ended, expected=found.state)
            self._pin(connection, monitor, refresh_holder(monitor.id), {})
            if state is RefreshState.SUCCESS:
                MonitorStore(connection).set_status(monitor.id, MonitorStatus.ACTIVE, "")
                self._pin(connection, monitor, read_holder(monitor.id), read or {})
            elif state is RefreshState.FAILED:
                status = MonitorStatus.FAILED if is_lost else MonitorStatus.ERROR
                MonitorStore(connection).set_status(monitor.id, status, message)
                self._around.failed(connection, monitor, ended)

    def _pin(self, connection: Connection, monitor: Monitor, holder: str, versions: dict[Path, int]) -> None:
        pins = Pins(connection, self._clock)
        pins.release(holder)
        for location, version in versions.items():
            pins.pin(location, version, reason=f"read by the monitor of {monitor.table}", holder=holder)
