"""Pieces of streams, read and decoded once for all tables that take them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from pierhead.gateway.records import InferenceRecord, decode
from pierhead.kit import spool
from pierhead.kit.clock import Clock
from pierhead.monitoring.domain.payload import problem_of
from pierhead.monitoring.services.quarantine import Quarantine
from pierhead.monitoring.services.request_rows import Unpacked

log = structlog.get_logger()

Mask = Callable[[InferenceRecord], InferenceRecord]


@dataclass(slots=True)
class Piece:
    """Records of a stream, masked, and the offset behind them; `unpacked` once somebody needed it."""

    records: list[InferenceRecord]
    next_offset: int
    unpacked: Unpacked | None = None


@dataclass(slots=True)
class Totals:
    """Counts since the start of the process; `rows` are those of payload tables."""

    rows: int = 0
    commits: int = 0
    quarantined: int = 0
    lost_bytes: int = 0
    failures: int = 0
    prediction_rows: int = 0
    expired_rows: int = 0


@dataclass(slots=True)
class Reader:
    """Reads the streams of one table. Forgets everything with `forget`: pieces are large."""

    table: str
    totals: Totals
    clock: Clock
    mask: Mask
    _pieces: dict[tuple[str, int], Piece] = field(default_factory=dict)

    def read(self, stream: Path, offset: int, max_bytes: int) -> Piece | None:
        """What lies behind the offset; a piece without records passes over what can be no row. None for nothing."""
        key = (stream.name, offset)
        if key not in self._pieces:
            raw_records, next_offset = spool.read(stream, offset, max_bytes)
            if next_offset == offset:
                return None
            self._pieces[key] = Piece(self._decoded(stream, offset, raw_records, next_offset), next_offset)
        return self._pieces[key]

    def forget(self) -> None:
        self._pieces.clear()

    def _decoded(self, stream: Path, offset: int, raw_records: list[bytes], next_offset: int) -> list[InferenceRecord]:
        lost_bytes = spool.lost_bytes(max(offset, spool.first_offset(stream)), raw_records, next_offset)
        if lost_bytes > 0:
            self.totals.lost_bytes += lost_bytes
            log.warning("records lost in the spool", table=self.table, stream=stream.name, bytes=lost_bytes)
        records, refused = _decode(raw_records)
        if refused:
            self.totals.quarantined += len(refused)
            log.warning("records quarantined", table=self.table, count=len(refused), reason=refused[0][1])
            Quarantine(stream.parent).add(stream.name, refused, self.clock.now())
        return list(map(self.mask, records))


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
