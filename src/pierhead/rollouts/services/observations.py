"""What gateways write down for rollouts and A/B tests, read once each.

How far a stream was read is kept in SQL, in the transaction that keeps what was counted: so a kill at any point costs
work, and nothing is counted twice.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from pierhead.gateway.records import InferenceRecord, decode
from pierhead.kit import spool

log = structlog.get_logger()

_PREFIX = "pierhead.observations."

Positions = Mapping[str, int]
"""The offset up to which each stream was read, by the stream's name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order in which each gateway wrote them, and the positions behind them.

    `is_all` is whether nothing more lay there; `lost` counts bytes that can be no record.
    """

    records: Sequence[InferenceRecord]
    positions: Positions
    is_all: bool
    lost: int = 0


class Observations:
    """The spool of observations; `root/pierhead.observations.ID/` holds the streams of one observer."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, observer_id: str, positions: Positions, max_bytes: int) -> Batch:
        """What came since `positions`, at most about `max_bytes`, from every stream its share."""
        streams = spool.streams(self._root, _PREFIX + observer_id)
        records: list[InferenceRecord] = []
        behind = {stream.name: positions.get(stream.name, 0) for stream in streams}
        share, lost, is_all = max(1, max_bytes // max(1, len(streams))), 0, True
        for stream in streams:
            begin = max(behind[stream.name], spool.first_offset(stream))
            raw_records, behind[stream.name] = spool.read(stream, begin, share)
            lost += spool.lost_bytes(begin, raw_records, behind[stream.name])
            is_all = is_all and sum(map(len, raw_records)) < share
            for raw in raw_records:
                try:
                    records.append(decode(raw))
                except msgspec.DecodeError:
                    lost += len(raw)
        if lost:
            log.warning("observations lost in the spool", observer=observer_id, bytes=lost)
        return Batch(records, behind, is_all, lost)

    def release(self, observer_id: str, positions: Positions) -> None:
        """Delete what was read. Call it when the positions are safe; harmless twice."""
        for stream in spool.streams(self._root, _PREFIX + observer_id):
            if stream.name in positions:
                spool.release(stream, positions[stream.name])

    def observers(self) -> frozenset[str]:
        """The ids that something lies here for."""
        return frozenset(name.removeprefix(_PREFIX) for name in spool.tables(self._root) if name.startswith(_PREFIX))

    def forget(self, observer_id: str) -> None:
        """Delete all that lies here for an observer that has ended."""
        shutil.rmtree(spool.table_folder(self._root, _PREFIX + observer_id), ignore_errors=True)
