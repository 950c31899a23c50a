"""The Delta table behind one inference table, and its upkeep."""

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from pierhead.kit.delta import AppendTable, Batch
from pierhead.kit.delta_versions import tidy_log
from pierhead.kit.names import FullName
from pierhead.monitoring.services.payload_rows import SCHEMA

UPKEEP_COMMITS = 100
"""After so many commits the small files of the newest ones are merged; after ten times as many, larger ones too."""

_SMALL_BYTES = 8 * 1024 * 1024
_LARGE_BYTES = 64 * 1024 * 1024

# Busy endpoints commit every second. A version needs its log file and its data files alike, so both are kept equally
# long, and no longer than a day: every commit lists the log. Statistics of bodies would copy payloads into the log.
PROPERTIES = {
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
    "delta.dataSkippingStatsColumns": "databricks_request_id,request_date,request_time,status_code,served_entity_id",
}
_LOG_KEPT = timedelta(days=1)


def table_path(tables: Path, name: str) -> Path:
    """Where the table `catalog.schema.table` lies. Raises InvalidArgument if it has no such name."""
    full_name = FullName.parse(name)
    return tables / full_name.catalog / full_name.schema / full_name.name


def app_id(stream_name: str) -> str:
    """The application id under which a table records how far it holds a stream of the spool."""
    return f"spool/{stream_name}"


class PayloadTable:
    """An inference table as its only writer sees it. Not partitioned: a day of a small endpoint is a small file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table = AppendTable(path, SCHEMA, PROPERTIES)
        self._due_bytes = 0

    def position(self, stream_name: str) -> int:
        """The offset up to which the table holds the stream."""
        return self._table.position(app_id(stream_name))

    def append(self, batches: list[Batch]) -> list[Batch]:
        """Commit the batches that still count and give those back."""
        before = self._table.version or 0
        applied = self._table.append(batches)
        after = self._table.version or 0
        if after // (10 * UPKEEP_COMMITS) > before // (10 * UPKEEP_COMMITS):
            self._due_bytes = _LARGE_BYTES
        elif after // UPKEEP_COMMITS > before // UPKEEP_COMMITS:
            self._due_bytes = max(self._due_bytes, _SMALL_BYTES)
        return applied

    @property
    def needs_upkeep(self) -> bool:
        return self._due_bytes > 0

    def keep_up(self, pinned: Collection[int], now: datetime) -> None:
        """Merge files and tidy the log if it is time; `pinned` versions stay readable. What fails is tried again when
        it is due again."""
        due_bytes, self._due_bytes = self._due_bytes, 0
        if due_bytes == 0:
            return
        self._table.compact(due_bytes)
        self._table.checkpoint()
        tidy_log(self._path, pinned, now - _LOG_KEPT)
        # What was opened before still looks for the files that are gone now.
        self._table.reopen()
        if due_bytes == _LARGE_BYTES:
            self._table.vacuum(pinned)
