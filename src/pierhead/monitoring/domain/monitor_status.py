"""How a monitored table stands, in a few lines: read out of the rows of its metric tables."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pierhead.monitoring.domain.monitors import ALL_MODELS, TABLE_ROW
from pierhead.monitoring.domain.windows import Granularity, Window

Row = Mapping[str, Any]

_GRAVITY = ("alarm", "warn", "ok", "unknown")
# The column of the drift table in which the statistic stands that a row was judged by.
_COLUMNS = {
    "psi": "population_stability_index",
    "jensen_shannon": "js_distance",
    "hellinger": "hellinger",
    "total_variation": "tv_distance",
    "l_infinity": "l_infinity_distance",
    "ks": "ks_test.statistic",
    "chi_squared": "chi_squared_test.statistic",
    "wasserstein": "wasserstein_distance",
    "wasserstein_scaled": "wasserstein_scaled",
    "new_category_share": "new_category_share",
}
_QUALITY = (
    "accuracy_score",
    "f1_score.macro",
    "roc_auc_score.one_vs_one.weighted",
    "log_loss",
    "root_mean_squared_error",
    "mean_average_error",
    "r2_score",
    "estimated_accuracy_score",
)


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column in its newest window; `value` is of `statistic`, and `threshold` and `null_bound` are on its scale."""

    column: str
    window: Window
    compared_with: str
    level: str
    statistic: str
    value: float | None
    threshold: float | None
    null_bound: float | None
    n: int
    n_reference: int


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """One model's newest window that has labels, or else its newest one. `metrics` are those that could be computed."""

    model: str
    window: Window
    predictions: int
    labelled: int
    metrics: Mapping[str, float]


def finest(rows: Iterable[Row]) -> str | None:
    """The narrowest granularity that occurs; None if there is no row of a window."""
    found = {row.get("granularity") for row in rows}
    return next((each.value for each in Granularity if each.value in found), None)


def drift_of(rows: Sequence[Row], *, model_column: str | None, left_out: frozenset[str]) -> list[ColumnDrift]:
    """Each column's newest judged window, the gravest first: against the baseline if there is one, else against the
    window before. `left_out` columns say when or who, and are no features."""
    whole = [
        row
        for row in rows
        if row["slice_key"] is None
        and row["column_name"] not in left_out | {TABLE_ROW}
        and _is_of_all(row, model_column)
    ]
    for drift_type in ("BASELINE", "CONSECUTIVE"):
        judged = [row for row in whole if row["drift_type"] == drift_type and row.get("level") is not None]
        if judged:
            break
    granularity = finest(judged)
    newest: dict[str, Row] = {}
    for row in judged:
        known = newest.get(row["column_name"])
        is_newer = known is None or row["window"]["start"] > known["window"]["start"]
        if row["granularity"] == granularity and is_newer:
            newest[row["column_name"]] = row
    return sorted(map(_column, newest.values()), key=_gravity)


def quality_of(rows: Sequence[Row], *, model_column: str) -> list[ModelQuality]:
    """By model, all of them together first."""
    whole = [
        row
        for row in rows
        if row["slice_key"] is None and row["column_name"] == TABLE_ROW and row.get("log_type") == "INPUT"
    ]
    granularity = finest(whole)
    newest: dict[str, Row] = {}
    for row in whole:
        model = row.get(model_column) or ALL_MODELS
        if row["granularity"] == granularity and (model not in newest or _order(row) > _order(newest[model])):
            newest[model] = row
    found = [_quality(model, row) for model, row in newest.items()]
    return sorted(found, key=lambda each: (each.model != ALL_MODELS, each.model))


def value_at(row: Row, path: str) -> float | None:
    """A number of a row, also inside of a struct."""
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_of_all(row: Row, model_column: str | None) -> bool:
    return model_column is None or row.get(model_column) in (None, ALL_MODELS)


def _order(row: Row) -> tuple[bool, Any]:
    return bool(row.get("labelled_count")), row["window"]["start"]


def _column(row: Row) -> ColumnDrift:
    statistic = _statistic(row.get("method_spec"))
    return ColumnDrift(
        column=row["column_name"],
        window=_window(row),
        compared_with=row["drift_type"],
        level=row["level"],
        statistic=statistic,
        value=value_at(row, _COLUMNS.get(statistic, statistic)),
        threshold=row.get("effect_threshold"),
        null_bound=row.get("null_bound"),
        n=row.get("n_cur") or 0,
        n_reference=row.get("n_cmp") or 0,
    )


def _gravity(drift: ColumnDrift) -> tuple[int, float, str]:
    limit = max(drift.threshold or 0.0, drift.null_bound or 0.0)
    strength = drift.value / limit if drift.value is not None and limit > 0 else 0.0
    place = _GRAVITY.index(drift.level) if drift.level in _GRAVITY else len(_GRAVITY)
    return place, -strength, drift.column


def _quality(model: str, row: Row) -> ModelQuality:
    metrics = {path: value for path in _QUALITY if (value := value_at(row, path)) is not None}
    return ModelQuality(model, _window(row), row.get("count") or 0, row.get("labelled_count") or 0, metrics)


def _statistic(spec: str | None) -> str:
    try:
        found = json.loads(spec or "{}")
    except ValueError:
        return ""
    return str(found.get("statistic", "")) if isinstance(found, dict) else ""


def _window(row: Row) -> Window:
    return Window(row["window"]["start"], row["window"]["end"])
