"""A Delta table that is written from the spool, and its upkeep."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from pierhead.kit.delta import AppendTable, Batch
from pierhead.kit.delta_versions import tidy_log
from pierhead.kit.errors import InvalidState

UPKEEP_COMMITS = 100
"""After so many commits the small files of the newest ones are merged; after ten times as many, larger ones too."""

_SMALL_BYTES = 8 * 1024 * 1024
_LARGE_BYTES = 64 * 1024 * 1024

# Busy endpoints commit every second. A version needs its log file and its data files alike, so both are kept equally
# long, and no longer than a day: every commit lists the log.
BRIEF_HISTORY = {
    "delta.logRetentionDuration": "interval 1 days",
    "delta.deletedFileRetentionDuration": "interval 1 days",
}
_LOG_KEPT = timedelta(days=1)


def app_id(stream_name: str) -> str:
    """The application id under which a table records how far it holds a stream of the spool."""
    return f"spool/{stream_name}"


class GrowingTable:
    """A table as its only writer sees it. Not partitioned: a day of a small endpoint is a small file."""

    def __init__(self, path: Path, schema: pa.Schema, properties: Mapping[str, str], *, ours: Collection[str]) -> None:
        """`schema` are the columns that it is made with, `ours` those that every release made it with; `properties`
        come on top of a brief history."""
        self.path = path
        self._ours = frozenset(ours)
        self._table = AppendTable(path, schema, {**BRIEF_HISTORY, **properties})
        self._due_bytes = 0

    @property
    def schema(self) -> pa.Schema:
        """The columns that the table has."""
        return self._table.schema

    def position(self, stream_name: str) -> int:
        """The offset up to which the table holds the stream."""
        return self._table.position(app_id(stream_name))

    def append(self, batches: list[Batch]) -> list[Batch]:
        """Commit the batches that still count and give those back.

        Raises InvalidState for a table that is somebody else's, or one of DELTA_ERRORS.
        """
        if not self._ours <= set(self.schema.names):
            raise InvalidState(f"the table in {self.path} is none that this platform made; nothing is written to it")
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
        tidy_log(self.path, pinned, now - _LOG_KEPT)
        # What was opened before still looks for the files that are gone now.
        self._table.reopen()
        if due_bytes == _LARGE_BYTES:
            self._table.vacuum(pinned)

    def expire(self, column: str, before: datetime, pinned: Collection[int]) -> int:
        """Delete the rows whose `column` (a date or a moment) is before that day; how many they were.

        Files of what went more than a day ago are deleted as well, but for those of `pinned` versions.
        """
        deleted = self._table.delete(f"{column} < '{before.date().isoformat()}'")
        self._table.vacuum(pinned)
        return deleted
