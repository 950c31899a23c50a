"""Whether what a client says of a monitor can work, found out before it is kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, InvalidState, NotFound
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.custom_metrics import DRIFT_NAMES, MOST_METRICS, check_shape, names_of, render
from pierhead.monitoring.domain.destinations import DestinationDraft, DestinationKind, check_destination
from pierhead.monitoring.domain.monitors import (
    Baseline,
    CustomMetric,
    CustomMetricType,
    InferenceLogProfile,
    MonitorDraft,
    ProblemType,
    Profile,
    SnapshotProfile,
)
from pierhead.monitoring.domain.schedules import next_due
from pierhead.monitoring.ports import NamedTables
from pierhead.monitoring.services.delta_sql import empty_database, interrupting, lock
from pierhead.monitoring.services.metric_columns import RESERVED, profile_schema
from pierhead.monitoring.services.monitored_table import (
    LABELLED_ROWS,
    ROWS,
    MonitoredTable,
    bare_table,
    open_table,
)
from pierhead.monitoring.services.profiling.custom_rows import cast_sql, run
from pierhead.monitoring.services.profiling.groupings import slice_sql
from pierhead.monitoring.services.spark_types import Kind, arrow_type, kind_of
from pierhead.monitoring.services.window_sql import check_time

MOST_SLICING = 50
LONGEST_S = 10.0
"""Expressions are tried on tables without rows: what takes longer would never end on others."""

_TRIAL_MB = 128
"""Tables without rows need next to nothing."""

_MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A draft that can work; `baseline` is its baseline at the version that it will be read at, `baseline_location`
    where that lies."""

    draft: MonitorDraft
    baseline: Baseline | None
    baseline_location: Path | None


class Definitions:
    """Opens tables and waits for disks: nothing for the inside of a transaction that writes."""

    def __init__(self, tables: NamedTables, clock: Clock, *, longest_s: float = LONGEST_S) -> None:
        self._tables = tables
        self._clock = clock
        self._longest_s = longest_s

    def check(self, draft: MonitorDraft) -> CheckedDraft:
        """Raises NotFound for a table, InvalidArgument that says everything that cannot be, or InvalidState."""
        name = FullName.parse(draft.table)
        table = open_table(str(name), self._tables.find_location(name))
        problems = _Problems()
        with problems.noted():
            _check_output(draft)
        for address in draft.notifications.on_failure:
            with problems.noted():
                check_destination(DestinationDraft(address, DestinationKind.EMAIL, addresses=(address,)))
        _check_profile(draft, table.columns, problems)
        with problems.noted():
            if draft.schedule is not None:
                next_due(draft.schedule, self._clock.now())
        with empty_database() as database, interrupting(database, self._longest_s):
            database.execute(f"SET memory_limit = '{_TRIAL_MB}MB'")
            for view in (ROWS, LABELLED_ROWS):
                database.register(view, table.columns.empty_table())
            lock(database)
            _check_slicing(database, draft.slicing, problems)
            _check_metrics(database, draft, table.columns, problems)
        checked = CheckedDraft(draft, None, None)
        with problems.noted():
            checked = self._with_baseline(draft, table)
        problems.tell()
        return checked

    def _with_baseline(self, draft: MonitorDraft, table: MonitoredTable) -> CheckedDraft:
        if draft.baseline_table is None:
            return CheckedDraft(draft, None, None)
        name = FullName.parse(draft.baseline_table)
        location = self._tables.find_location(name)
        if location is None:
            raise NotFound(f"baseline table '{name}' does not exist")
        opened = _open_baseline(str(name), location, draft.baseline_version)
        if not set(opened.columns.names) & set(table.profiled):
            raise InvalidArgument(f"baseline table '{name}' has no column of table '{draft.table}'")
        return CheckedDraft(draft, Baseline(str(name), opened.versions["table"]), location)


class _Problems:
    """What is wrong with a draft, to be told all at once."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Goes on behind the block if that raises InvalidArgument."""
        try:
            yield
        except InvalidArgument as error:
            self.note(error.message)

    def note(self, problem: str) -> None:
        self._texts.append(problem)

    def tell(self) -> None:
        """Raises InvalidArgument if there is anything."""
        if self._texts:
            raise InvalidArgument("; ".join(self._texts))


def _check_output(draft: MonitorDraft) -> None:
    if len(draft.output_schema.split(".")) != 2:
        raise InvalidArgument(f"output schema {draft.output_schema!r} is not of the form catalog.schema")
    FullName.parse(f"{draft.output_schema}.metrics")


def _check_slicing(database: duckdb.DuckDBPyConnection, slicing: Sequence[str], problems: _Problems) -> None:
    with problems.noted():
        if len(slicing) > MOST_SLICING:
            raise InvalidArgument(f"a monitor has at most {MOST_SLICING} slicing expressions, not {len(slicing)}")
        if len(set(slicing)) < len(slicing):
            raise InvalidArgument("a slicing expression is there twice")
    for expression in slicing[:MOST_SLICING]:
        with problems.noted():
            _check_slice(database, expression)


def _check_slice(database: duckdb.DuckDBPyConnection, expression: str) -> None:
    if not 0 < len(expression.strip()) <= _MOST_CHARACTERS:
        raise InvalidArgument(f"a slicing expression has 1 to {_MOST_CHARACTERS} characters")
    # Where rows are chosen, so that it must have a value for each row alone.
    query = f"SELECT 1 FROM {LABELLED_ROWS} WHERE {slice_sql(expression)} IS NOT NULL"
    try:
        if len(database.extract_statements(query)) != 1:
            raise InvalidArgument(f"slicing expression {expression!r} must be one expression")
        database.execute(query)
    except duckdb.InterruptException as error:
        raise InvalidArgument(f"slicing expression {expression!r} takes too long") from error
    except duckdb.Error as error:
        raise InvalidArgument(f"slicing expression {expression!r}: {str(error).splitlines()[0]}") from error


def _open_baseline(name: str, location: Path, version: int | None) -> MonitoredTable:
    try:
        return bare_table(name, location, version)
    except InvalidState as error:
        raise InvalidArgument(f"baseline: {error.message}") from error


def _check_profile(draft: MonitorDraft, columns: pa.Schema, problems: _Problems) -> None:
    profile = draft.profile
    if isinstance(profile, SnapshotProfile):
        return
    with problems.noted():
        check_time(profile.timestamp_column, columns)
    with problems.noted():
        if not profile.granularities or len(set(profile.granularities)) < len(profile.granularities):
            raise InvalidArgument("granularities must be some, each once")
    with problems.noted():
        if isinstance(profile, InferenceLogProfile):
            _check_predictions(profile, columns)


def _check_predictions(profile: InferenceLogProfile, columns: pa.Schema) -> None:
    named = [profile.prediction_column, profile.model_id_column, profile.label_column, profile.probability_column]
    missing = [name for name in named if name is not None and name not in columns.names]
    if missing:
        raise InvalidArgument(f"the table has no columns {', '.join(map(repr, missing))}")
    if profile.model_id_column.lower() in RESERVED:
        raise InvalidArgument(f"model id column {profile.model_id_column!r} has the name of a column of metrics")
    if profile.problem_type is ProblemType.REGRESSION:
        for name in (profile.prediction_column, profile.label_column):
            if name is not None and kind_of(columns.field(name).type) is not Kind.NUMERIC:
                raise InvalidArgument(f"column {name!r} of a regression must hold numbers")
    if profile.probability_column is not None:
        type = columns.field(profile.probability_column).type
        if not (kind_of(type) is Kind.NUMERIC or pa.types.is_list(type) or pa.types.is_map(type)):
            raise InvalidArgument(f"probability column {profile.probability_column!r} is of type {type}")


def _check_metrics(
    database: duckdb.DuckDBPyConnection, draft: MonitorDraft, columns: pa.Schema, problems: _Problems
) -> None:
    metrics, profile = draft.custom_metrics, draft.profile
    taken = set(RESERVED)
    if isinstance(profile, InferenceLogProfile):
        taken.add(profile.model_id_column.lower())
    if len(metrics) > MOST_METRICS:
        problems.note(f"a monitor has at most {MOST_METRICS} custom metrics, not {len(metrics)}")
        return
    sound = []
    for metric in metrics:
        with problems.noted():
            check_shape(metric, columns.names, taken)
            arrow_type(metric.output_data_type)
            sound.append(metric)
        taken.add(metric.name.lower())
    # Derived metrics speak of aggregate ones, drift metrics of both.
    schema = profile_schema(replace(draft, custom_metrics=tuple(sound)))
    for name in ("profile_rows", *DRIFT_NAMES.values()):
        database.register(name, schema.empty_table())
    for metric in sound:
        with problems.noted():
            _check_metric(database, metric, profile)


def _check_metric(database: duckdb.DuckDBPyConnection, metric: CustomMetric, profile: Profile) -> None:
    if metric.type is CustomMetricType.DRIFT:
        sql = cast_sql(metric, render(metric, DRIFT_NAMES))
        run(database, metric, f"SELECT {sql} AS value FROM current_df, base_df")
        return
    for column in metric.input_columns:
        sql = cast_sql(metric, render(metric, names_of(profile, column)))
        if metric.type is CustomMetricType.DERIVED:
            run(database, metric, f"SELECT {sql} AS value FROM profile_rows")
        else:
            run(database, metric, f"SELECT 1 AS cell, {sql} AS value FROM {LABELLED_ROWS} GROUP BY cell")
