"""One refresh of one monitor, from tables at their versions to rows of metrics; it writes only into its own folder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pierhead.monitoring.domain.monitors import (
    ALL_MODELS,
    Baseline,
    InferenceLogProfile,
    Monitor,
    Refresh,
    SnapshotProfile,
)
from pierhead.monitoring.domain.windows import Granularity, Window, before, compared, read_for
from pierhead.monitoring.services.changed_windows import changed_since, first_windows, kept, looked_back, windows_of
from pierhead.monitoring.services.delta_sql import Bounded, empty_database, literal, lock
from pierhead.monitoring.services.metric_columns import drift_schema, profile_schema
from pierhead.monitoring.services.metric_tables import Replaced, RowsFile, to_batch
from pierhead.monitoring.services.monitored_table import ROWS, MonitoredTable
from pierhead.monitoring.services.profiling.baselines import OpenBaseline, open_baselines
from pierhead.monitoring.services.profiling.batches import Subject, Wanted, compute
from pierhead.monitoring.services.profiling.columns import profiled
from pierhead.monitoring.services.profiling.groupings import Rows
from pierhead.monitoring.services.profiling.profile_rows import Row
from pierhead.monitoring.services.window_sql import TIMES, merged, moment_sql, odd_sql, start_sql, within_sql

MOST_ROWS_AT_ONCE = 4_000_000
"""What a batch of windows has at most, unless a single window has more."""

_ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
_MOST_WINDOWS, _MOST_SLICED_WINDOWS = 64, 8
"""Rows of metrics of so many windows are held in memory; slices make a hundred times as many."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a refresh reads. `before` is the table as the refresh before read it, None for all anew; `last_asked_at` is
    when that one was asked for. `baselines` are by model id, the one for all under `*`."""

    monitor: Monitor
    refresh: Refresh
    table: MonitoredTable
    before: MonitoredTable | None
    last_asked_at: datetime | None
    baselines: Callable[[Sequence[str]], dict[str, tuple[Baseline, MonitoredTable]]]


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a refresh found: rows and which ones they replace. Without `is_changed` there is nothing to write."""

    profile: RowsFile
    drift: RowsFile
    replaced_profile: Replaced
    replaced_drift: Replaced
    is_changed: bool = True
    message: str = ""
    """What its reader should know of it."""


def compute_metrics(inputs: Inputs, folder: Path, check: Callable[[], object], bounded: Bounded) -> Metrics:
    """All metrics of the refresh, as files in the folder. `check` is called now and then, and may raise to end it;
    queries are `bounded`.

    The same inputs give the same rows (those of cells above samples.MOST_VALUES values within the sketches' error).
    Raises InvalidArgument for SQL of the owner that fails, InvalidState, or one of DELTA_ERRORS or duckdb.Error.
    """
    monitor = inputs.monitor
    profile = RowsFile(folder / "profile.arrow", profile_schema(monitor))
    drift = RowsFile(folder / "drift.arrow", drift_schema(monitor))
    with ExitStack() as stack:
        database = stack.enter_context(empty_database(folder))
        inputs.table.register(database)
        lock(database)
        stack.enter_context(bounded(database))
        message = _left_out(inputs, database)
        changed, periods = _changed(inputs, database, folder, bounded)
        if not any(changed.values()) and not periods:
            check()
            return Metrics(profile, drift, Replaced(), Replaced(), is_changed=False, message=message)
        model_column = _model_column(monitor)
        models = _models(database, inputs.table, monitor, changed)
        opened = stack.enter_context(_opened(inputs, models, folder, bounded))
        subject = _subject(inputs, database, opened, stack, folder, bounded)
        with profile.writing() as profiles, drift.writing() as drifts:
            baseline_models = _write_baselines(inputs, opened, profiles, profile.schema)
            for wanted in _batches(database, inputs, changed):
                check()
                inputs.table.join(database, *_period(wanted))
                for found in compute(subject, wanted):
                    _write(profiles, profile, [_signed(inputs, row, "INPUT") for row in found.profile])
                    _write(drifts, drift, [_signed_drift(inputs, row) for row in found.drift])
                    check()
    return Metrics(
        profile,
        drift,
        Replaced(
            {_name(g): windows | periods.get(g, set()) for g, windows in changed.items()}, baseline_models, model_column
        ),
        Replaced(
            {_name(g): compared(g, windows) | periods.get(g, set()) for g, windows in changed.items() if g is not None}
        ),
        message=message,
    )


def _left_out(inputs: Inputs, database: duckdb.DuckDBPyConnection) -> str:
    """What is to be said of rows that are in no window; "" without such."""
    profile = inputs.monitor.profile
    if isinstance(profile, SnapshotProfile):
        return ""
    time = profile.timestamp_column
    odd = odd_sql(time, inputs.table.columns.field(time).type)
    ((n,),) = database.sql(f"SELECT count(*) FROM {ROWS} WHERE {odd}").fetchall()
    if not n:
        return ""
    return (
        f"left out {n} rows whose {time!r} lies before {TIMES.start:%Y-%m-%d} or not before "
        f"{TIMES.end:%Y-%m-%d}: they belong to no window"
    )


def _name(granularity: Granularity | None) -> str | None:
    return None if granularity is None else granularity.value


Changed = dict[Granularity | None, set[Window]]


def _changed(
    inputs: Inputs, database: duckdb.DuckDBPyConnection, folder: Path, bounded: Bounded
) -> tuple[Changed, Changed]:
    """The windows to compute, and the times of which all rows of before are replaced, whether there are new ones."""
    profile, asked_at = inputs.monitor.profile, inputs.refresh.asked_at
    if isinstance(profile, SnapshotProfile):
        return {None: {Window(asked_at, asked_at)}}, {}
    time = profile.timestamp_column
    starts = None if inputs.before is None else changed_since(time, inputs.before, inputs.table, folder, bounded)
    periods: Changed = {}
    if starts is not None and inputs.table.has_joined_labels:
        # The platform's own table, of which it deletes rows that are too old.
        starts = kept(database, time, starts)
    if starts is None:
        starts = first_windows(database, time, asked_at)
        periods = {each: {looked_back(each, asked_at, starts)} for each in profile.granularities}
    return {each: windows_of(each, starts) for each in profile.granularities}, periods


def _batches(database: duckdb.DuckDBPyConnection, inputs: Inputs, changed: Changed) -> Iterator[Wanted]:
    profile, table = inputs.monitor.profile, inputs.table
    if isinstance(profile, SnapshotProfile):
        (window,) = changed[None]
        yield Wanted(None, Rows(ROWS, "true", "TIMESTAMP '1970-01-01'"), snapshot=window)
        return
    time = profile.timestamp_column
    type = table.columns.field(time).type
    for granularity, windows in changed.items():
        assert granularity is not None
        start = start_sql(granularity, moment_sql(time))
        counted = _rows_by_window(database, start, within_sql(time, type, read_for(granularity, windows)))
        most = _MOST_SLICED_WINDOWS if inputs.monitor.slicing else _MOST_WINDOWS
        for some in _chunks(sorted(compared(granularity, windows)), counted, most):
            read = {each for window in some for each in (window, before(granularity, window))}
            source = Rows(ROWS, within_sql(time, type, read), start, _model_column(inputs.monitor))
            yield Wanted(granularity, source, frozenset(windows & set(some)), frozenset(some))


def _rows_by_window(database: duckdb.DuckDBPyConnection, start: str, where: str) -> dict[datetime, int]:
    query = f"SELECT {start} AS start, count(*) AS n FROM {ROWS} WHERE {where} GROUP BY ALL"
    found: pa.Table = database.sql(query).to_arrow_table()
    return dict(zip(found["start"].to_pylist(), found["n"].to_pylist(), strict=True))


def _chunks(windows: Sequence[Window], counted: dict[datetime, int], most: int) -> Iterator[list[Window]]:
    """Windows that have rows, in order, a bounded number of rows together."""
    some: list[Window] = []
    rows = 0
    for window in windows:
        n = counted.get(window.start.replace(tzinfo=None), 0)
        if n == 0:
            continue
        if some and (rows + n > MOST_ROWS_AT_ONCE or len(some) == most):
            yield some
            some, rows = [], 0
        some.append(window)
        rows += n
    if some:
        yield some


def _period(wanted: Wanted) -> tuple[datetime, datetime]:
    if wanted.granularity is None:
        return _ALWAYS
    whole = merged(wanted.compared | {before(wanted.granularity, window) for window in wanted.compared})
    return whole[0].start, whole[-1].end


def _model_column(monitor: Monitor) -> str | None:
    return monitor.profile.model_id_column if isinstance(monitor.profile, InferenceLogProfile) else None


def _models(
    database: duckdb.DuckDBPyConnection, table: MonitoredTable, monitor: Monitor, changed: Changed
) -> list[str]:
    """The models that occur in the windows to compute."""
    profile = monitor.profile
    if not isinstance(profile, InferenceLogProfile):
        return []
    windows: Iterable[Window] = {each for g, some in changed.items() if g for each in read_for(g, some)}
    where = within_sql(profile.timestamp_column, table.columns.field(profile.timestamp_column).type, windows)
    model = f"{literal(profile.model_id_column)}::VARCHAR"
    found = database.sql(f"SELECT DISTINCT {model} FROM {ROWS} WHERE {where}").fetchall()
    return sorted(str(row[0]) for row in found if row[0] is not None)


@contextmanager
def _opened(inputs: Inputs, models: Sequence[str], folder: Path, bounded: Bounded) -> Iterator[dict[str, OpenBaseline]]:
    """Baselines by model id, each table once."""
    monitor = inputs.monitor
    found = inputs.baselines(models)
    tables = {baseline: table for baseline, table in found.values()}
    with open_baselines(list(tables.items()), monitor, folder, bounded) as opened:
        by_table = {each.baseline: each for each in opened}
        yield {model: by_table[baseline] for model, (baseline, _) in found.items()}


def _subject(
    inputs: Inputs,
    database: duckdb.DuckDBPyConnection,
    opened: dict[str, OpenBaseline],
    stack: ExitStack,
    folder: Path,
    bounded: Bounded,
) -> Subject:
    def baseline_of(models: Sequence[str]) -> OpenBaseline | None:
        if ALL_MODELS in opened:
            return opened[ALL_MODELS]
        found = {id(each): each for each in (opened.get(model) for model in models) if each is not None}
        is_one = len(found) == 1 and all(model in opened for model in models)
        return next(iter(found.values())) if is_one else None

    monitor = inputs.monitor
    model_column = _model_column(monitor)
    columns = profiled(inputs.table, set() if model_column is None else {model_column})
    previous = None
    is_snapshot = isinstance(monitor.profile, SnapshotProfile)
    if is_snapshot and inputs.before is not None and inputs.last_asked_at is not None:
        version = inputs.before.versions["table"]
        tables = [(Baseline(inputs.before.name, version), inputs.before)]
        (snapshot,) = stack.enter_context(open_baselines(tables, monitor, folder, bounded))
        previous = (snapshot, Window(inputs.last_asked_at, inputs.last_asked_at))
    return Subject(monitor, database, inputs.table, columns, baseline_of, previous)


def _write_baselines(
    inputs: Inputs, opened: dict[str, OpenBaseline], writer: pa.RecordBatchStreamWriter, schema: pa.Schema
) -> list[str]:
    """The rows of log type BASELINE; the models that they are of."""
    column = _model_column(inputs.monitor)
    for model, each in opened.items():
        for slicing in (None, *inputs.monitor.slicing):
            rows = []
            for (value, _), found in each.column_rows(slicing).items():
                row: Row = {**found, "slice_key": slicing, "slice_value": value}
                row["logging_table_commit_version"] = each.baseline.version
                if column is not None:
                    row[column] = model
                rows.append(_signed(inputs, row, "BASELINE"))
            if rows:
                writer.write_batch(to_batch(rows, schema))
    return list(opened)


def _write(writer: pa.RecordBatchStreamWriter, file: RowsFile, rows: Sequence[Row]) -> None:
    if rows:
        writer.write_batch(to_batch(rows, file.schema))
        file.rows += len(rows)


def _signed(inputs: Inputs, row: Row, log_type: str) -> Row:
    version = inputs.table.versions["table"]
    own: dict[str, Any] = {
        "log_type": log_type,
        "logging_table_commit_version": version,
        "data_version_from": None if inputs.before is None else inputs.before.versions["table"],
        "data_version_to": version,
    }
    return {**own, **_stamp(inputs), **row}


def _signed_drift(inputs: Inputs, row: Row) -> Row:
    return {**_stamp(inputs), **row}


def _stamp(inputs: Inputs) -> Row:
    refresh = inputs.refresh
    return {
        "monitor_version": inputs.monitor.version,
        # When it began, not when it ended: begun again after a kill, it gives the same rows.
        "computed_at": refresh.began_at,
        "refresh_id": refresh.id,
    }
