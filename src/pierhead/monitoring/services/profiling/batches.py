"""The rows of both metric tables for some windows: every slicing, all models together and each alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import numpy as np

from pierhead.monitoring.domain.monitors import ALL_MODELS, TABLE_ROW, InferenceLogProfile, Monitor
from pierhead.monitoring.domain.windows import Granularity, Window, before
from pierhead.monitoring.services.metric_columns import profile_schema
from pierhead.monitoring.services.monitored_table import LABELLED_ROWS, ROWS, MonitoredTable
from pierhead.monitoring.services.profiling.baselines import OpenBaseline
from pierhead.monitoring.services.profiling.columns import Profiled, gather
from pierhead.monitoring.services.profiling.custom_rows import aggregates, derived, drifts
from pierhead.monitoring.services.profiling.drift_rows import Compared, compare, deltas, judged
from pierhead.monitoring.services.profiling.groupings import CellKey, Grouping, Rows, group, group_by_model
from pierhead.monitoring.services.profiling.profile_rows import Row, column_row, table_row
from pierhead.monitoring.services.profiling.quality_rows import estimate_rows, quality_rows
from pierhead.monitoring.services.profiling.samples import OtherSample, Sample
from pierhead.statistics.counts import Floats
from pierhead.statistics.verdicts import Level

BaselineOf = Callable[[Sequence[str]], OpenBaseline | None]
"""The baseline of a cell with these models; None if it has none, or its models have different ones."""

_NO_EDGES: Floats = np.empty(0)
_CONSECUTIVE, _BASELINE = "CONSECUTIVE", "BASELINE"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is profiled: a table in its database, by which columns."""

    monitor: Monitor
    database: duckdb.DuckDBPyConnection
    table: MonitoredTable
    columns: Profiled
    baseline_of: BaselineOf
    previous: tuple[OpenBaseline, Window] | None = None
    """Of a snapshot: the table as the refresh before saw it, and that snapshot's window."""

    @property
    def label_column(self) -> str | None:
        profile = self.monitor.profile
        return profile.label_column if isinstance(profile, InferenceLogProfile) else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Windows of one granularity: `profiled` ones get profile rows, `compared` ones drift rows. Of a snapshot there is
    no granularity, and `snapshot` is its window."""

    granularity: Granularity | None
    source: Rows
    profiled: frozenset[Window] = frozenset()
    compared: frozenset[Window] = frozenset()
    snapshot: Window | None = None


@dataclass(slots=True)
class _Pair:
    """A cell's comparison: `baseline` is None for the window before."""

    type: str
    key: CellKey
    window_cmp: Window | None
    other: int | None
    baseline: OpenBaseline | None
    found: list[Compared] = field(default_factory=list)
    sides: list[tuple[Row, Row]] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    profile: list[Row] = field(default_factory=list)
    drift: list[Row] = field(default_factory=list)


def compute(subject: Subject, wanted: Wanted) -> Iterator[Found]:
    """All rows of these windows, slicing by slicing. Raises InvalidArgument for a custom metric that fails."""
    for slicing in (None, *subject.monitor.slicing):
        source = _seen(subject, wanted.source, slicing)
        whole = group(subject.database, source, slicing, wanted.granularity)
        models = group_by_model(subject.database, whole, wanted.granularity) if source.model else None
        found = Found()
        _Axis(subject, wanted, whole, _models_of(models)).add_to(found)
        if models is not None and _is_same(whole, models):
            _copy_to_models(subject, found, models)
        elif models is not None:
            _Axis(subject, wanted, models, _models_of(models)).add_to(found)
        yield found


class _Axis:
    """One grouping, from samples to rows."""

    def __init__(
        self, subject: Subject, wanted: Wanted, grouping: Grouping, models: Mapping[tuple[object, ...], Sequence[str]]
    ) -> None:
        self._subject = subject
        self._wanted = wanted
        self._grouping = grouping
        self._baselines = {
            cell: subject.baseline_of(models.get(_place(key), ()) if key.model == ALL_MODELS else (key.model,))
            for cell, key in grouping.keys.items()
        }
        self._pairs = self._paired()
        self._rows: dict[int, dict[str, Row]] = {cell: {} for cell in grouping.keys}
        self._filled: dict[int, dict[str, Sample]] = {cell: {} for cell in grouping.keys}

    def add_to(self, found: Found) -> None:
        if not self._grouping.keys:
            return
        for column, samples in self._samples():
            self._take(column, samples)
        self._add_table_rows()
        self._add_metrics()
        for cell, rows in self._rows.items():
            if self._is_profiled(self._grouping.keys[cell]):
                found.profile += [self._placed(cell, row) for row in rows.values()]
        found.drift += self._drift_rows()

    def _samples(self) -> Iterator[tuple[str, Mapping[int, Sample]]]:
        subject = self._subject
        edges = {
            column: {cell: each.edges(column) for cell, each in self._baselines.items() if each is not None}
            for column in subject.columns.numeric
        }
        kept = {
            column: {value for each in _distinct(self._baselines) for value in each.categories(column)}
            for column in subject.columns.categorical
        }
        return gather(subject.database, subject.table, self._grouping, subject.columns, edges, kept)

    def _take(self, column: str, samples: Mapping[int, Sample]) -> None:
        type = self._subject.columns.types[column]
        for cell, sample in samples.items():
            baseline = self._baselines[cell]
            edges = _NO_EDGES if baseline is None else baseline.edges(column)
            self._rows[cell][column] = column_row(column, type, sample, edges)
            self._filled[cell][column] = _counted(sample)
        for cell, pairs in self._pairs.items():
            for pair in pairs:
                self._compare(cell, pair, column, samples)

    def _compare(self, cell: int, pair: _Pair, column: str, samples: Mapping[int, Sample]) -> None:
        baseline = self._baselines[cell]
        edges = _NO_EDGES if baseline is None else baseline.edges(column)
        row, sample = self._rows[cell].get(column), samples.get(cell)
        if pair.baseline is None:
            other = None if pair.other is None else samples.get(pair.other)
            other_row = None if pair.other is None else self._rows[pair.other].get(column)
        else:
            key = self._grouping.keys[cell]
            other = pair.baseline.find(key.slice_key, key.slice_value, column)
            other_row = pair.baseline.column_rows(key.slice_key).get((key.slice_value, column))
        if row is None or sample is None or other is None or other_row is None:
            return
        comes_late = column == self._subject.label_column
        pair.found.append(compare(column, other, sample, (other_row, row), edges, comes_late=comes_late))
        pair.sides.append((other_row, row))

    def _add_table_rows(self) -> None:
        subject, grouping, profile = self._subject, self._grouping, self._subject.monitor.profile
        for cell, rows in self._rows.items():
            rows[TABLE_ROW] = table_row(grouping.rows[cell], self._filled[cell])
        if not isinstance(profile, InferenceLogProfile):
            return
        view = LABELLED_ROWS if subject.table.has_joined_labels else ROWS
        for cell, row in quality_rows(subject.database, grouping, profile, subject.table.columns, view).items():
            self._rows[cell][TABLE_ROW] |= row
        known = {
            cell: each.calibration
            for cell, each in self._baselines.items()
            if each is not None and each.calibration is not None
        }
        for cell, row in estimate_rows(subject.database, grouping, profile, subject.table.columns, known).items():
            self._rows[cell][TABLE_ROW] |= row

    def _add_metrics(self) -> None:
        subject, metrics = self._subject, self._subject.monitor.custom_metrics
        if not metrics:
            return
        view = LABELLED_ROWS if subject.table.has_joined_labels else ROWS
        profile = subject.monitor.profile
        found = aggregates(subject.database, self._grouping, metrics, profile, view)
        for (cell, column), values in found.items():
            if column in self._rows[cell]:
                self._rows[cell][column] |= values
        rows = [row for rows in self._rows.values() for row in rows.values()]
        derived(subject.database, rows, profile_schema(subject.monitor), metrics, profile)

    def _drift_rows(self) -> list[Row]:
        rows: list[Row] = []
        sides: list[tuple[Row, Row]] = []
        for cell, pairs in self._pairs.items():
            for pair in pairs:
                rows += self._drift(cell, pair)
                sides += pair.sides
        monitor = self._subject.monitor
        drifts(self._subject.database, rows, sides, profile_schema(monitor), monitor.custom_metrics)
        return rows

    def _drift(self, cell: int, pair: _Pair) -> list[Row]:
        """One for each of the pair's sides."""
        current = self._rows[cell][TABLE_ROW]
        rows, reference = judged(pair.found), self._reference_table_row(cell, pair)
        if reference is not None:
            counts = {"column_name": TABLE_ROW, "n_cur": current["count"], "n_cmp": reference["count"]}
            rows.append({**deltas(reference, current), **counts, "drifted": False, "level": Level.UNKNOWN.value})
            pair.sides.append((reference, current))
        compared = {
            "drift_type": pair.type,
            "window_cmp": window_value(pair.window_cmp),
            "baseline_table": pair.baseline.baseline.table if pair.baseline and pair.type == _BASELINE else None,
            "baseline_version": pair.baseline.baseline.version if pair.baseline and pair.type == _BASELINE else None,
        }
        return [self._placed(cell, {**row, **compared}) for row in rows]

    def _reference_table_row(self, cell: int, pair: _Pair) -> Row | None:
        if pair.baseline is None:
            return None if pair.other is None else self._rows[pair.other][TABLE_ROW]
        key = self._grouping.keys[cell]
        return pair.baseline.column_rows(key.slice_key).get((key.slice_value, TABLE_ROW))

    def _paired(self) -> dict[int, list[_Pair]]:
        places = {(_place(key), key.model): cell for cell, key in self._grouping.keys.items()}
        found: dict[int, list[_Pair]] = {}
        for cell, key in self._grouping.keys.items():
            if key.window is not None and key.window not in self._wanted.compared:
                continue
            pairs = found.setdefault(cell, [])
            if key.window is not None and self._wanted.granularity is not None:
                earlier = before(self._wanted.granularity, key.window)
                other = places.get(((earlier, key.slice_value), key.model))
                if other is not None:
                    pairs.append(_Pair(_CONSECUTIVE, key, earlier, other, None))
            elif self._subject.previous is not None:
                snapshot, window = self._subject.previous
                pairs.append(_Pair(_CONSECUTIVE, key, window, None, snapshot))
            baseline = self._baselines[cell]
            if baseline is not None:
                pairs.append(_Pair(_BASELINE, key, None, None, baseline))
        return found

    def _is_profiled(self, key: CellKey) -> bool:
        return key.window is None or key.window in self._wanted.profiled

    def _placed(self, cell: int, row: Row) -> Row:
        key, monitor = self._grouping.keys[cell], self._subject.monitor
        granularity = self._wanted.granularity
        placed: Row = {
            **row,
            "window": window_value(key.window or self._wanted.snapshot),
            "granularity": None if granularity is None else granularity.value,
            "slice_key": key.slice_key,
            "slice_value": key.slice_value,
        }
        if isinstance(monitor.profile, InferenceLogProfile):
            placed[monitor.profile.model_id_column] = key.model
        return placed


def window_value(window: Window | None) -> dict[str, datetime] | None:
    """The struct of the metric tables."""
    return None if window is None else {"start": window.start, "end": window.end}


def _seen(subject: Subject, source: Rows, slicing: str | None) -> Rows:
    """The view that has what the slicing speaks of."""
    if slicing is None or subject.table.view(slicing) == ROWS:
        return source
    return Rows(LABELLED_ROWS, source.where, source.start, source.model)


def _models_of(models: Grouping | None) -> dict[tuple[object, ...], list[str]]:
    """The models that occur in each cell of all of them."""
    found: dict[tuple[object, ...], list[str]] = {}
    for key in models.keys.values() if models is not None else ():
        found.setdefault(_place(key), []).append(key.model)
    return found


def _place(key: CellKey) -> tuple[object, ...]:
    return key.window, key.slice_value


def _is_same(whole: Grouping, models: Grouping) -> bool:
    """Whether each cell has one model, and no row is without: then the model's rows are those of all models."""
    return len(whole.keys) == len(models.keys) and sum(whole.rows.values()) == sum(models.rows.values())


def _copy_to_models(subject: Subject, found: Found, models: Grouping) -> None:
    profile = subject.monitor.profile
    assert isinstance(profile, InferenceLogProfile)
    column = profile.model_id_column
    alone = {(_start(window_value(key.window)), key.slice_value): key.model for key in models.keys.values()}
    for rows in (found.profile, found.drift):
        rows += [{**row, column: alone[_start(row["window"]), row["slice_value"]]} for row in rows]


def _start(window: Mapping[str, datetime] | None) -> datetime | None:
    return None if window is None else window["start"]


def _distinct(baselines: Mapping[int, OpenBaseline | None]) -> list[OpenBaseline]:
    return list({id(each): each for each in baselines.values() if each is not None}.values())


def _counted(sample: Sample) -> Sample:
    """Without the values: the counts are needed until the last column was read."""
    return OtherSample(sample.rows, sample.n)
