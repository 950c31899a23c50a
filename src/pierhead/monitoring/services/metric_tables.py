"""The two Delta tables of a monitor, written once a refresh: windows are replaced as a whole, or not at all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.writer import WriterProperties

from pierhead.kit.delta import find_table, last_version
from pierhead.kit.errors import InvalidState
from pierhead.monitoring.domain.windows import Window
from pierhead.monitoring.services.window_sql import merged

_CHANGE_FEED = {"delta.enableChangeDataFeed": "true"}
_COMPRESSED = WriterProperties(compression="ZSTD")
_COMPACT_EVERY = 50


@dataclass(frozen=True, slots=True)
class Replaced:
    """Which rows a refresh replaces: windows by granularity (None: windows of snapshots), and the baseline's rows, of
    all models together ("*") or of these."""

    windows: Mapping[str | None, Iterable[Window]] = field(default_factory=dict)
    baseline_models: Sequence[str] = ()
    model_column: str | None = None

    def predicate(self) -> str:
        """For the rows to go; "" if there are none."""
        parts = []
        for granularity, windows in self.windows.items():
            is_of = "granularity IS NULL" if granularity is None else f"granularity = '{granularity}'"
            periods = [_period(period, is_snapshot=granularity is None) for period in merged(windows)]
            if periods:
                parts.append(f"({is_of} AND ({' OR '.join(periods)}))")
        if self.baseline_models:
            parts.append(f"(log_type = 'BASELINE'{self._of_models()})")
        return " OR ".join(parts)

    def _of_models(self) -> str:
        if self.model_column is None:
            return ""
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in self.baseline_models)
        return f' AND "{self.model_column}" IN ({names})'


class RowsFile:
    """Rows on their way into a table, on disk: a first refresh may have more than memory should hold."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self.schema = schema
        self.rows = 0

    @contextmanager
    def writing(self) -> Iterator[pa.RecordBatchStreamWriter]:
        with pa.OSFile(str(self._path), "wb") as file, pa.ipc.new_stream(file, self.schema) as writer:
            yield writer

    @contextmanager
    def reading(self) -> Iterator[pa.RecordBatchReader]:
        with pa.memory_map(str(self._path), "rb") as file:
            yield pa.ipc.open_stream(file)


def to_batch(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Columns that a row does not name are null."""
    return pa.RecordBatch.from_pylist(list(rows), schema)


def replace_rows(path: Path, rows: RowsFile, replaced: Replaced, *, app_id: str, version: int) -> bool:
    """Put the rows in the place of those replaced, in one commit that records `version` for `app_id`; False if the
    table records that version already.

    New columns are added to the table. Raises one of DELTA_ERRORS.
    """
    if (last_version(path, app_id) or 0) >= version:
        return False
    table = find_table(path) or _create(path, rows.schema)
    predicate = replaced.predicate()
    properties = CommitProperties(app_transactions=[Transaction(app_id, version)])
    with rows.reading() as reader:
        if table.version() == 0 or not predicate:
            write_deltalake(
                table,
                reader,
                mode="append",
                schema_mode="merge",
                writer_properties=_COMPRESSED,
                commit_properties=properties,
            )
        else:
            write_deltalake(
                table,
                reader,
                mode="overwrite",
                schema_mode="merge",
                predicate=predicate,
                writer_properties=_COMPRESSED,
                commit_properties=properties,
            )
    return True


def check_ours(path: Path, name: str, first: pa.Schema) -> None:
    """Raises InvalidState if a table lies there that is none of metrics, or one of DELTA_ERRORS."""
    table = find_table(path)
    if table is not None and not set(first.names) <= {field.name for field in table.schema().fields}:
        raise InvalidState(
            f"table '{name}' is there already and holds no metrics of monitors; nothing is written to it"
        )


def keep_up(path: Path, pinned: Iterable[int] = ()) -> None:
    """Merge small files now and then. Raises one of DELTA_ERRORS."""
    table = find_table(path)
    if table is None or table.version() == 0 or table.version() % _COMPACT_EVERY:
        return
    table.optimize.compact(max_concurrent_tasks=1, writer_properties=_COMPRESSED)
    table.create_checkpoint()
    table.vacuum(dry_run=False, full=True, keep_versions=sorted(pinned) or None)


def _create(path: Path, schema: pa.Schema) -> DeltaTable:
    try:
        return DeltaTable.create(path, schema, mode="error", configuration=_CHANGE_FEED)
    except DeltaError:
        # Somebody was faster, or it really failed.
        found = find_table(path)
        if found is None:
            raise
        return found


def _period(period: Window, *, is_snapshot: bool) -> str:
    start, end = _moment(period.start), _moment(period.end)
    if is_snapshot:
        return f"window['start'] = {start}"
    return f"(window['start'] >= {start} AND window['start'] < {end})"


def _moment(moment: datetime) -> str:
    return f"'{moment.astimezone(UTC).isoformat().replace('+00:00', 'Z')}'"
