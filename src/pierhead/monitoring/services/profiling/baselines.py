"""What cells are compared with beside each other: tables at a version, read once in a refresh.

A monitor has one baseline for all, or each model has the data that it was trained on. Its edges are the deciles of the
whole baseline, also for slices.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.monitors import TABLE_ROW, Baseline, InferenceLogProfile, Monitor, Profile
from pierhead.monitoring.services.delta_sql import Bounded, empty_database, lock
from pierhead.monitoring.services.metric_columns import profile_schema
from pierhead.monitoring.services.monitored_table import ROWS, MonitoredTable
from pierhead.monitoring.services.profiling.columns import Profiled, gather, profiled
from pierhead.monitoring.services.profiling.custom_rows import Metrics, aggregates, derived
from pierhead.monitoring.services.profiling.drift_rows import own_edges
from pierhead.monitoring.services.profiling.gathering import gather_counts
from pierhead.monitoring.services.profiling.groupings import Grouping, Rows, group
from pierhead.monitoring.services.profiling.profile_rows import Row, column_row, table_row
from pierhead.monitoring.services.profiling.quality_rows import Calibration, calibration, quality_rows
from pierhead.monitoring.services.profiling.samples import CategoricalSample, NumericSample, Sample
from pierhead.statistics.counts import Floats

_NONE: Final = np.empty(0)
# Sorted values of columns that are kept while windows are compared with them: 64 MB.
_MOST_KEPT = 8_000_000

Held = Mapping[str | None, Sample]
"""Samples of one column by the value of the slice; None is the key where there are no slices."""


@dataclass(slots=True)
class OpenBaseline:
    """One baseline table, open."""

    baseline: Baseline
    table: MonitoredTable
    database: duckdb.DuckDBPyConnection
    columns: Profiled
    profile: Profile
    metrics: Metrics
    table_schema: pa.Schema
    """The columns of the profile table."""
    groupings: dict[str | None, Grouping | None] = field(default_factory=dict)
    calibration: Calibration | None = None
    _edges: dict[str, Floats] = field(default_factory=dict)
    _rows: dict[str | None, dict[tuple[str | None, str], Row]] = field(default_factory=dict)
    _kept: "OrderedDict[tuple[str | None, str], Held]" = field(default_factory=OrderedDict)

    def edges(self, column: str) -> Floats:
        """Inner edges of the column's bins; none for a column that is not numeric here."""
        if column not in self._edges:
            self._edges[column] = _NONE
            if column in self.columns.numeric:
                sample = self.samples(None, column).get(None)
                if isinstance(sample, NumericSample):
                    self._edges[column] = own_edges(sample)
                    if sample.values is None:
                        # Read again, to be counted on its own bins.
                        self._kept.pop((None, column))
        return self._edges[column]

    def categories(self, column: str) -> Sequence[str]:
        """What is counted of a categorical column."""
        if column not in self.columns.categorical:
            return ()
        sample = self.samples(None, column).get(None)
        return sample.categories() if isinstance(sample, CategoricalSample) else ()

    def find(self, slicing: str | None, value: str | None, column: str) -> Sample | None:
        """The column in this slice; None if the baseline has not got one of them."""
        if column not in self.columns.types or self.grouping(slicing) is None:
            return None
        return self.samples(slicing, column).get(value)

    def grouping(self, slicing: str | None) -> Grouping | None:
        """The baseline's cells by this slicing; None if the expression means nothing here."""
        if slicing not in self.groupings:
            try:
                source = Rows(ROWS, "true", "TIMESTAMP '1970-01-01'")
                found = group(self.database, source, slicing, None)
                name = f"cells_of_axis_{len(self.groupings)}"
                self.database.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {found.name}")
                self.groupings[slicing] = Grouping(name, source, slicing, found.keys, found.rows, is_by_model=False)
            except duckdb.Error:
                self.groupings[slicing] = None
        return self.groupings[slicing]

    def samples(self, slicing: str | None, column: str) -> Held:
        key = (slicing, column)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        grouping = self.grouping(slicing)
        held: dict[str | None, Sample] = {}
        if grouping is not None:
            edges = self._edges.get(column, _NONE)
            one = self.columns.only(column)
            by_cell = {column: dict.fromkeys(grouping.keys, edges)}
            for _, found in gather(self.database, self.table, grouping, one, by_cell, {}):
                held = {grouping.keys[cell].slice_value: sample for cell, sample in found.items()}
        self._kept[key] = held
        while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return held

    def table_rows(self, slicing: str | None) -> dict[str | None, Row]:
        """The `:table` rows by the value of the slice, with quality where predictions have labels here too."""
        grouping = self.grouping(slicing)
        if grouping is None:
            return {}
        counted = gather_counts(self.database, grouping, self.columns.names)
        found: dict[str | None, Row] = {}
        for cell, key in grouping.keys.items():
            by_column = {name: cells[cell] for name, cells in counted.items() if cell in cells}
            found[key.slice_value] = table_row(grouping.rows[cell], by_column)
        if isinstance(self.profile, InferenceLogProfile) and self.profile.prediction_column in self.columns.types:
            for cell, row in quality_rows(self.database, grouping, self.profile, self.table.columns, ROWS).items():
                found[grouping.keys[cell].slice_value] |= row
        return found

    def column_rows(self, slicing: str | None) -> dict[tuple[str | None, str], Row]:
        """All profile rows of this slicing, `:table` ones included, by value of the slice and column."""
        if slicing not in self._rows:
            grouping = self.grouping(slicing)
            rows = {(value, TABLE_ROW): row for value, row in self.table_rows(slicing).items()}
            for column in self.columns.names if grouping is not None else ():
                # First: they decide on which bins the samples are counted.
                edges = self.edges(column)
                for value, sample in self.samples(slicing, column).items():
                    rows[value, column] = column_row(column, self.columns.types[column], sample, edges)
            if grouping is not None:
                self._add_metrics(grouping, rows)
            self._rows[slicing] = rows
        return self._rows[slicing]

    def _add_metrics(self, grouping: Grouping, rows: dict[tuple[str | None, str], Row]) -> None:
        for metric in self.metrics:
            try:
                found = aggregates(self.database, grouping, (metric,), self.profile, ROWS)
            except InvalidArgument:
                # It speaks of columns that the baseline has not got.
                continue
            for (cell, column), values in found.items():
                place = (grouping.keys[cell].slice_value, column)
                if place in rows:
                    rows[place] |= values
        named = self.table_schema
        for metric in self.metrics:
            with suppress(InvalidArgument):
                derived(self.database, list(rows.values()), named, (metric,), self.profile)


@contextmanager
def open_baselines(
    tables: Sequence[tuple[Baseline, MonitoredTable]], monitor: Monitor, folder: Path, bounded: Bounded
) -> Iterator[list[OpenBaseline]]:
    """Each of the baselines in a database of its own, which works in the folder, and in which queries are `bounded`."""
    profile = monitor.profile
    with ExitStack() as stack:
        opened = []
        for baseline, table in tables:
            database = stack.enter_context(empty_database(folder))
            table.register(database)
            lock(database)
            stack.enter_context(bounded(database))
            without = {profile.model_id_column} if isinstance(profile, InferenceLogProfile) else set()
            columns, schema = profiled(table, without), profile_schema(monitor)
            one = OpenBaseline(baseline, table, database, columns, profile, monitor.custom_metrics, schema)
            whole = one.grouping(None)
            if isinstance(profile, InferenceLogProfile) and whole is not None:
                one.calibration = calibration(database, whole, profile, table.columns, ROWS)
            opened.append(one)
        yield opened


def _size(held: Held) -> int:
    numbers = [each.values for each in held.values() if isinstance(each, NumericSample)]
    return sum(len(values) for values in numbers if values is not None)
