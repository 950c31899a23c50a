"""The tables that one endpoint's records go into, and how far each of them is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from pierhead.gateway.records import InferenceRecord
from pierhead.kit import spool
from pierhead.kit.clock import Clock
from pierhead.kit.delta import DELTA_ERRORS, Batch
from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.masking import Masking, without_bodies
from pierhead.monitoring.domain.table_names import requests_of
from pierhead.monitoring.services.growing_table import GrowingTable, app_id
from pierhead.monitoring.services.payload_rows import rows_of
from pierhead.monitoring.services.payload_table import table_path
from pierhead.monitoring.services.pieces import Piece, Reader, Totals
from pierhead.monitoring.services.policies import UNKNOWN, KnownPolicies
from pierhead.monitoring.services.request_columns import OWN, Columns
from pierhead.monitoring.services.request_rows import Unpacked, Unpacking
from pierhead.monitoring.services.rules import Rules

Opener = Callable[[Path], GrowingTable]


@dataclass(frozen=True, slots=True)
class Openers:
    """How the two tables of an endpoint are opened."""

    payload: Opener
    requests: Opener


@dataclass(slots=True)
class Sink:
    """A table; `positions` by application id may be forgotten, `age_column` says how old a row is."""

    name: str
    table: GrowingTable
    open: Callable[[], GrowingTable]
    rows: Callable[[Piece], pa.Table]
    age_column: str
    is_payload: bool
    positions: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    retry_at: datetime | None = None

    @property
    def is_failing(self) -> bool:
        return self.failures > 0

    def position(self, stream: Path) -> int:
        key = app_id(stream.name)
        if key not in self.positions:
            self.positions[key] = self.table.position(stream.name)
        return self.positions[key]


class Source:
    """One table of the spool and its sinks: the payload table first, then the requests table, if it has one."""

    def __init__(
        self,
        name: str,
        folder: Path,
        tables: Path,
        clock: Clock,
        totals: Totals,
        rules: Rules,
        openers: Openers,
    ) -> None:
        self.name = name
        self.policies = KnownPolicies(folder, rules.policies)
        self._masking = Masking(rules.masking_key)
        self._rules = rules
        self._totals = totals
        self._unpacking: Unpacking | None = None
        self.reader = Reader(name, totals, clock, self._masked)
        self.sinks = [_sink(name, table_path(tables, name), openers.payload, self._payload_rows, "request_date", True)]
        requests = _requests_name(name)
        if requests is not None:
            path = table_path(tables, requests)
            self.sinks.append(_sink(requests, path, openers.requests, self._request_rows, "timestamp", False))

    def begin(self) -> None:
        """A new tick: tags may have changed."""
        self.policies.forget()

    def advance(self, sink: Sink, streams: Sequence[Path], share: int) -> bool:
        """Copy about `share` bytes of each stream that the table does not hold yet; whether there may be more."""
        batches = []
        for stream in streams:
            position = sink.position(stream)
            piece = self.reader.read(stream, position, share)
            if piece is not None:
                batches.append(Batch(app_id(stream.name), position, piece.next_offset, sink.rows(piece)))
        if batches:
            self._commit(sink, batches)
        return any(batch.version - batch.after >= share for batch in batches)

    def release(self, streams: Sequence[Path]) -> None:
        """Delete what every table holds."""
        for stream in streams:
            if spool.release(stream, min(sink.position(stream) for sink in self.sinks)):
                for sink in self.sinks:
                    sink.positions.pop(app_id(stream.name), None)

    def reopen(self, sink: Sink) -> None:
        """Forget what was known of a table."""
        sink.positions.clear()
        sink.table = sink.open()
        self._unpacking = None

    def _commit(self, sink: Sink, batches: list[Batch]) -> None:
        applied = sink.table.append(batches)
        for batch in applied:
            sink.positions[batch.app_id] = batch.version
            if sink.is_payload:
                self._totals.rows += batch.rows.num_rows
            else:
                self._totals.prediction_rows += batch.rows.num_rows
                if self._rules.counts is not None:
                    self._rules.counts.add(sink.name, batch.rows)
        self._totals.commits += bool(applied)
        if len(applied) < len(batches):
            # Somebody else copies the same streams: ask the table again.
            sink.positions.clear()

    def _payload_rows(self, piece: Piece) -> pa.Table:
        if len(self.sinks) == 1:
            return rows_of(piece.records)
        unpacked = self._unpacked(piece)
        return rows_of(piece.records, unpacked.counts, unpacked.problems)

    def _request_rows(self, piece: Piece) -> pa.Table:
        return self._unpacked(piece).rows

    def _unpacked(self, piece: Piece) -> Unpacked:
        if piece.unpacked is None:
            if self._unpacking is None:
                self._unpacking = Unpacking(self._rules.signatures, self.policies.find, Columns(self._columns()))
            piece.unpacked = self._unpacking.unpack(piece.records)
        return piece.unpacked

    def _columns(self) -> pa.Schema:
        try:
            return self.sinks[-1].table.schema
        except DELTA_ERRORS:
            # That table cannot be written now; the other one can.
            return OWN

    def _masked(self, record: InferenceRecord) -> InferenceRecord:
        policy = self.policies.find(record.endpoint_id)
        return without_bodies(record) if policy is UNKNOWN else self._masking.masked(record, policy.masks)


def _sink(
    name: str, path: Path, opener: Opener, rows: Callable[[Piece], pa.Table], age_column: str, is_payload: bool
) -> Sink:
    def open_table() -> GrowingTable:
        return opener(path)

    return Sink(name, open_table(), open_table, rows, age_column, is_payload)


def _requests_name(name: str) -> str | None:
    """None also for a name that would be too long for a table."""
    requests = requests_of(name)
    try:
        if requests is not None:
            table_path(Path(), requests)
    except InvalidArgument:
        return None
    return requests
