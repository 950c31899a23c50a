"""Rows of the two metric tables as facts of a report."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pierhead.monitoring.domain.monitors import ALL_MODELS, TABLE_ROW, InferenceLogProfile, Monitor, SnapshotProfile
from pierhead.monitoring.domain.report_facts import ColumnFact, DriftFact, QualityFact, Slice
from pierhead.monitoring.domain.windows import Window

# What was judged: the column of the drift table that holds it, and the name that people know it by.
_STATISTICS = {
    "psi": ("population_stability_index", "PSI"),
    "jensen_shannon": ("js_distance", "Jensen–Shannon"),
    "hellinger": ("hellinger", "Hellinger"),
    "total_variation": ("tv_distance", "Total variation"),
    "l_infinity": ("l_infinity_distance", "L∞"),
    "ks": ("ks_test.statistic", "KS"),
    "wasserstein_scaled": ("wasserstein_scaled", "Wasserstein / sd"),
    "new_category_share": ("new_category_share", "New categories"),
    "null_share_change": ("percent_null_delta", "Null share change"),
}
_PERCENT = ("percent_null_delta",)
_USUAL = "psi"
_MOST_BASELINES = 3
_QUALITY = (
    "accuracy_score",
    "f1_score.macro",
    "roc_auc_score.one_vs_one.weighted",
    "log_loss",
    "root_mean_squared_error",
    "mean_average_error",
    "r2_score",
)
_ESTIMATED = {
    "estimated_accuracy_score": "accuracy_score",
    "estimated_roc_auc_score": "roc_auc_score.one_vs_one.weighted",
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the two tables say. `reference` is what was compared with, in words; `table_version` the newest version of
    the monitored table that was measured, `computed_at` when."""

    drift: Sequence[DriftFact] = ()
    columns: Sequence[ColumnFact] = ()
    quality: Sequence[QualityFact] = ()
    reference: str = ""
    table_version: int | None = None
    computed_at: datetime | None = None


class MetricRows:
    """Reads what `ReportTables` gives, as one monitor writes it."""

    def __init__(self, monitor: Monitor) -> None:
        profile = monitor.profile
        self._model_column = profile.model_id_column if isinstance(profile, InferenceLogProfile) else None
        # When it was said, and by whom, are no features.
        self._left_out = {TABLE_ROW, self._model_column}
        if not isinstance(profile, SnapshotProfile):
            self._left_out.add(profile.timestamp_column)

    def read(self, drift: pa.Table, columns: pa.Table, quality: pa.Table) -> Metrics:
        """A table without columns is one that is not there, or could not be read."""
        return Metrics(
            drift=[self._drift(row) for row in self._features(drift)],
            columns=[self._column(row) for row in self._features(columns)],
            quality=[self._quality(row) for row in quality.to_pylist()],
            reference=_baselines(drift),
            table_version=_largest(columns, "data_version_to"),
            computed_at=_largest(columns, "computed_at"),
        )

    def _features(self, table: pa.Table) -> list[dict[str, Any]]:
        """The rows about columns that are features, in the order in which they were computed."""
        rows = [row for row in table.to_pylist() if row["column_name"] not in self._left_out]
        return sorted(rows, key=lambda row: str(row.get("computed_at")))

    def _drift(self, row: Mapping[str, Any]) -> DriftFact:
        judged, value = _judged(row)
        name = _STATISTICS[judged][1] if judged in _STATISTICS else judged
        others = {
            label: number
            for key, (where, label) in _STATISTICS.items()
            if key != judged and (number := _value(row, where)) is not None
        }
        return DriftFact(
            window=_window(row),
            column=row["column_name"],
            statistic=name,
            value=value,
            threshold=_value(row, "effect_threshold"),
            bound=_value(row, "null_bound"),
            level=row.get("level") or "unknown",
            is_drifted=bool(row.get("drifted")),
            n=row.get("n_cur") or 0,
            n_reference=row.get("n_cmp") or 0,
            others=others,
            part=_part(row),
            model=self._model(row),
        )

    def _column(self, row: Mapping[str, Any]) -> ColumnFact:
        is_reference = row["log_type"] == "BASELINE"
        quantiles = [value for value in row.get("quantiles") or () if value is not None]
        frequent = [(str(each["item"]), int(each["count"])) for each in row.get("frequent_items") or ()]
        rows = row.get("count") or 0
        n = row.get("n")
        return ColumnFact(
            window=None if is_reference else _window(row),
            column=row["column_name"],
            data_type=row.get("data_type") or "",
            rows=rows,
            n=rows - (row.get("num_nulls") or 0) - (row.get("num_nan") or 0) if n is None else n,
            quantiles=tuple(quantiles) if all(map(isfinite, quantiles)) else (),
            frequent=tuple(frequent),
            model=self._model(row),
        )

    def _quality(self, row: Mapping[str, Any]) -> QualityFact:
        metrics = {name: value for name in _QUALITY if (value := _value(row, name)) is not None}
        estimated = {ours: value for name, ours in _ESTIMATED.items() if (value := _value(row, name)) is not None}
        intervals = {each["metric"]: (each["low"], each["high"]) for each in row.get("quality_intervals") or ()}
        return QualityFact(
            window=_window(row),
            model=self._model(row),
            part=_part(row),
            predictions=row.get("count") or 0,
            labelled=row.get("labelled_count") or 0,
            metrics=metrics,
            intervals=intervals,
            estimated=estimated,
            estimated_n=row.get("estimated_n") or 0,
        )

    def _model(self, row: Mapping[str, Any]) -> str:
        return row.get(self._model_column) or ALL_MODELS if self._model_column is not None else ALL_MODELS


def _baselines(drift: pa.Table) -> str:
    """What the newest comparisons were made with, in words; empty if nobody knows."""
    if "baseline_table" not in drift.column_names:
        return ""
    rows: Sequence[Mapping[str, Any]] = (
        drift.select(["baseline_table", "baseline_version", "window"])
        .filter(pc.is_valid(drift["baseline_table"]))
        .to_pylist()
    )
    newest = max((row["window"]["start"] for row in rows), default=None)
    found = {(row["baseline_table"], row["baseline_version"]) for row in rows if row["window"]["start"] == newest}
    named = sorted(f"{table} at version {version}" for table, version in found)
    return ", ".join(named[:_MOST_BASELINES]) + (" …" if len(named) > _MOST_BASELINES else "")


def _largest(table: pa.Table, column: str) -> Any:
    return pc.max(table[column]).as_py() if column in table.column_names else None


def _judged(row: Mapping[str, Any]) -> tuple[str, float | None]:
    """The statistic that the row's verdict is about, and its value; PSI of a row that was not judged."""
    try:
        spec = json.loads(row.get("method_spec") or "{}")
    except ValueError:
        spec = {}
    judged = str(spec.get("statistic", _USUAL)) if isinstance(spec, dict) else _USUAL
    value = spec.get("value") if isinstance(spec, dict) else None
    if isinstance(value, int | float) and isfinite(value):
        return judged, float(value)
    return judged, _value(row, _STATISTICS[judged][0]) if judged in _STATISTICS else None


def _value(row: Mapping[str, Any], name: str) -> float | None:
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None or not isfinite(value):
        return None
    return abs(value) / 100 if name in _PERCENT else float(value)


def _part(row: Mapping[str, Any]) -> Slice | None:
    return None if row.get("slice_key") is None else Slice(row["slice_key"], str(row.get("slice_value")))


def _window(row: Mapping[str, Any]) -> Window:
    return Window(row["window"]["start"].astimezone(UTC), row["window"]["end"].astimezone(UTC))
