"""From the spool into the inference tables: what every gateway has written becomes rows, once each.

A stream goes into two tables: a row for each invocation, and a row for each prediction. How far it has been copied is
recorded in each table's own log, in the commit that brings the rows. So a kill at any point costs at most work:
uncommitted rows are read again, committed ones never. What both tables hold leaves the spool.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pierhead.kit import spool
from pierhead.kit.clock import Clock
from pierhead.kit.delta import DELTA_ERRORS, first_line
from pierhead.monitoring.domain.retry import retry_delay
from pierhead.monitoring.domain.table_names import labels_of
from pierhead.monitoring.services.growing_table import GrowingTable
from pierhead.monitoring.services.labels_table import LabelsTable
from pierhead.monitoring.services.payload_table import PayloadTable, table_path
from pierhead.monitoring.services.pieces import Totals
from pierhead.monitoring.services.requests_table import RequestsTable
from pierhead.monitoring.services.rules import Rules
from pierhead.monitoring.services.sinks import Openers, Sink, Source

log = structlog.get_logger()

_COMMIT_BYTES = 8 * 1024 * 1024
_COMMITS_PER_TICK = 8
_LOG_EVERY = timedelta(minutes=1)
_EXPIRE_EVERY = timedelta(hours=1)


@dataclass(slots=True)
class _Known:
    """What is known of the tables of one endpoint between two ticks; all of it may be forgotten."""

    source: Source
    logged_at: dict[str, datetime] = field(default_factory=dict)
    expired_at: datetime | None = None


class Ingestion:
    """Copies the spool into the tables, a tick at a time. One thread calls it."""

    def __init__(
        self,
        spool_root: Path,
        tables: Path,
        clock: Clock,
        *,
        rules: Rules | None = None,
        open_table: Callable[[Path], GrowingTable] = PayloadTable,
        open_requests: Callable[[Path], GrowingTable] = RequestsTable,
        pinned: Callable[[Path], Collection[int]] = lambda _location: (),
    ) -> None:
        """`pinned` gives the versions of a table that somebody relies on."""
        self.totals = Totals()
        self._spool = spool_root
        self._tables = tables
        self._clock = clock
        self._rules = rules or Rules()
        self._openers = Openers(open_table, open_requests)
        self._pinned = pinned
        self._known: dict[str, _Known] = {}

    def tick(self) -> int:
        """Copy what has come since the last tick; the number of new rows of payload tables.

        A table that fails is left alone for a while and does not hold up the others.
        """
        rows_before = self.totals.rows
        names = spool.tables(self._spool)
        for name in names:
            if name not in self._known:
                self._known[name] = _Known(self._source(name))
            self._ingest(self._known[name])
        for gone in self._known.keys() - set(names):
            del self._known[gone]
        if self._rules.counts is not None:
            self._rules.counts.save()
        return self.totals.rows - rows_before

    def _source(self, name: str) -> Source:
        return Source(
            name,
            spool.table_folder(self._spool, name),
            self._tables,
            self._clock,
            self.totals,
            self._rules,
            self._openers,
        )

    def _ingest(self, known: _Known) -> None:
        source = known.source
        source.begin()
        for _ in range(_COMMITS_PER_TICK):
            streams = spool.streams(self._spool, source.name)
            share = _COMMIT_BYTES // max(1, len(streams))
            # Each of them, whatever the others say.
            has_more = [self._advance(known, sink, streams, share) for sink in source.sinks]
            if not any(sink.is_failing for sink in source.sinks):
                self._guarded(known, source.sinks[0], partial(source.release, streams))
            source.reader.forget()
            if not any(has_more):
                break
        for sink in source.sinks:
            if not sink.is_failing:
                self._keep_up(sink)
        self._expire(known)

    def _advance(self, known: _Known, sink: Sink, streams: list[Path], share: int) -> bool:
        """Whether there may be more for this table."""
        if sink.retry_at is not None and self._clock.now() < sink.retry_at:
            return False
        return bool(self._guarded(known, sink, lambda: known.source.advance(sink, streams, share)))

    def _guarded(self, known: _Known, sink: Sink, work: Callable[[], object]) -> object:
        """What `work` gives; None if it failed, which is then told."""
        try:
            result = work()
        except Exception as error:  # whatever is wrong with this table, the next one must have its turn
            self._fail(known, sink, error)
            return None
        sink.failures, sink.retry_at = 0, None
        return result

    def _fail(self, known: _Known, sink: Sink, error: Exception) -> None:
        now = self._clock.now()
        self.totals.failures += 1
        sink.failures += 1
        sink.retry_at = now + retry_delay(sink.failures)
        # The table on disk may be another one than we knew.
        known.source.reopen(sink)
        logged_at = known.logged_at.get(sink.name)
        if logged_at is None or now - logged_at >= _LOG_EVERY:
            known.logged_at[sink.name] = now
            trace = None if isinstance(error, DELTA_ERRORS) else error
            log.error("inference table cannot be written", table=sink.name, reason=first_line(error), exc_info=trace)

    def _keep_up(self, sink: Sink) -> None:
        if not sink.table.needs_upkeep:
            return
        try:
            sink.table.keep_up(self._pinned(sink.table.path), self._clock.now())
        except (*DELTA_ERRORS, SQLAlchemyError) as error:
            log.error("inference table cannot be tidied", table=sink.name, reason=first_line(error))

    def _expire(self, known: _Known) -> None:
        """Once an hour, delete what is older than its endpoints want."""
        now = self._clock.now()
        if known.expired_at is not None and now - known.expired_at < _EXPIRE_EVERY:
            return
        known.expired_at = now
        try:
            days = known.source.policies.retention_days()
            if days is None:
                return
            for table, column in self._aging(known.source):
                deleted = table.expire(column, now - timedelta(days=days), self._pinned(table.path))
                self.totals.expired_rows += deleted
        except (*DELTA_ERRORS, SQLAlchemyError) as error:
            log.error("old inference rows cannot be deleted", table=known.source.name, reason=first_line(error))

    def _aging(self, source: Source) -> list[tuple[GrowingTable, str]]:
        labels = labels_of(source.name)
        beside = [] if labels is None else [(LabelsTable(table_path(self._tables, labels)), "ingest_ts")]
        return [*((sink.table, sink.age_column) for sink in source.sinks), *beside]
