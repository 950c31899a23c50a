"""From the spool into the inference tables: what every gateway has written becomes rows, once each.

How far a stream has been copied is recorded in the table's own log, in the commit that brings the rows. So a kill at
any point costs at most work: uncommitted rows are read again, committed ones never.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from pierhead.gateway.records import InferenceRecord, decode
from pierhead.kit import spool
from pierhead.kit.clock import Clock
from pierhead.kit.delta import DELTA_ERRORS, Batch, first_line
from pierhead.monitoring.domain.payload import problem_of
from pierhead.monitoring.domain.retry import retry_delay
from pierhead.monitoring.services.payload_rows import rows_of
from pierhead.monitoring.services.payload_table import PayloadTable, app_id, table_path
from pierhead.monitoring.services.quarantine import Quarantine

log = structlog.get_logger()

_COMMIT_BYTES = 8 * 1024 * 1024
_COMMITS_PER_TICK = 8
_LOG_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class Totals:
    """Counts since the start of the process."""

    rows: int = 0
    commits: int = 0
    quarantined: int = 0
    lost_bytes: int = 0
    failures: int = 0


@dataclass(slots=True)
class _Table:
    """What is known of a table between two ticks; all of it may be forgotten."""

    name: str
    payload: PayloadTable
    positions: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    retry_at: datetime | None = None
    logged_at: datetime | None = None


class Ingestion:
    """Copies the spool into the tables, a tick at a time. One thread calls it."""

    def __init__(
        self,
        spool_root: Path,
        tables: Path,
        clock: Clock,
        *,
        open_table: Callable[[Path], PayloadTable] = PayloadTable,
        pinned: Callable[[Path], Collection[int]] = lambda _location: (),
    ) -> None:
        """`pinned` gives the versions of a table that somebody relies on."""
        self.totals = Totals()
        self._spool = spool_root
        self._tables = tables
        self._clock = clock
        self._open_table = open_table
        self._pinned = pinned
        self._known: dict[str, _Table] = {}

    def tick(self) -> int:
        """Copy what has come since the last tick; the number of new rows.

        A table that fails is left alone for a while and does not hold up the others.
        """
        rows_before = self.totals.rows
        names = spool.tables(self._spool)
        for name in names:
            table = self._known.get(name)
            if table is None:
                table = _Table(name, self._open_table(table_path(self._tables, name)))
                self._known[name] = table
            self._try(table)
        for gone in self._known.keys() - set(names):
            del self._known[gone]
        return self.totals.rows - rows_before

    def _try(self, table: _Table) -> None:
        now = self._clock.now()
        if table.retry_at is not None and now < table.retry_at:
            return
        try:
            self._ingest(table)
        except Exception as error:  # whatever is wrong with this table, the next one must have its turn
            self.totals.failures += 1
            table.failures += 1
            table.retry_at = now + retry_delay(table.failures)
            # The table on disk may be another one than we knew.
            table.positions.clear()
            table.payload = self._open_table(table_path(self._tables, table.name))
            if table.logged_at is None or now - table.logged_at >= _LOG_EVERY:
                table.logged_at = now
                trace = None if isinstance(error, DELTA_ERRORS) else error
                log.error(
                    "inference table cannot be written", table=table.name, reason=first_line(error), exc_info=trace
                )
        else:
            table.failures, table.retry_at = 0, None
            self._keep_up(table)

    def _ingest(self, table: _Table) -> None:
        for _ in range(_COMMITS_PER_TICK):
            streams = spool.streams(self._spool, table.name)
            share = _COMMIT_BYTES // max(1, len(streams))
            batches = [batch for stream in streams if (batch := self._read(table, stream, share))]
            if batches:
                self._commit(table, batches)
            for stream in streams:
                if spool.release(stream, self._position(table, stream)):
                    del table.positions[app_id(stream.name)]
            if all(batch.version - batch.after < share for batch in batches):
                return

    def _keep_up(self, table: _Table) -> None:
        if not table.payload.needs_upkeep:
            return
        try:
            table.payload.keep_up(self._pinned(table_path(self._tables, table.name)), self._clock.now())
        except (*DELTA_ERRORS, SQLAlchemyError) as error:
            log.error("inference table cannot be tidied", table=table.name, reason=first_line(error))

    def _read(self, table: _Table, stream: Path, max_bytes: int) -> Batch | None:
        """What the table does not hold yet of a stream; a batch without rows passes over what can be no row."""
        position = self._position(table, stream)
        raw_records, next_position = spool.read(stream, position, max_bytes)
        if next_position == position:
            return None
        lost_bytes = spool.lost_bytes(max(position, spool.first_offset(stream)), raw_records, next_position)
        if lost_bytes > 0:
            self.totals.lost_bytes += lost_bytes
            log.warning("records lost in the spool", table=table.name, stream=stream.name, bytes=lost_bytes)
        records, refused = _decode(raw_records)
        if refused:
            self.totals.quarantined += len(refused)
            log.warning("records quarantined", table=table.name, count=len(refused), reason=refused[0][1])
            Quarantine(stream.parent).add(stream.name, refused, self._clock.now())
        return Batch(app_id(stream.name), position, next_position, rows_of(records))

    def _commit(self, table: _Table, batches: list[Batch]) -> None:
        applied = table.payload.append(batches)
        for batch in applied:
            table.positions[batch.app_id] = batch.version
            self.totals.rows += batch.rows.num_rows
        self.totals.commits += bool(applied)
        if len(applied) < len(batches):
            # Somebody else copies the same streams: ask the table again.
            table.positions.clear()

    def _position(self, table: _Table, stream: Path) -> int:
        key = app_id(stream.name)
        if key not in table.positions:
            table.positions[key] = table.payload.position(stream.name)
        return table.positions[key]


def _decode(raw_records: list[bytes]) -> tuple[list[InferenceRecord], list[tuple[bytes, str]]]:
    """Records that can become rows, and those that cannot, each with the reason."""
    records: list[InferenceRecord] = []
    refused: list[tuple[bytes, str]] = []
    for raw in raw_records:
        try:
            record = decode(raw)
        except msgspec.DecodeError as error:
            refused.append((raw, str(error)))
            continue
        problem = problem_of(record)
        if problem is None:
            records.append(record)
        else:
            refused.append((raw, problem))
    return records, refused
