"""Metrics of monitored tables, window by window, from what their monitors wrote."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite, sqrt
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import chdtri, ndtri

from pierhead.monitoring.domain.alert_rules import AlertRule, Family, Metric, Side
from pierhead.monitoring.domain.alerts import Reading, Slice
from pierhead.monitoring.domain.monitors import ALL_MODELS, TABLE_ROW, InferenceLogProfile, Monitor
from pierhead.monitoring.domain.windows import Granularity, Window
from pierhead.monitoring.ports import MetricTables
from pierhead.statistics.references import MOST_CATEGORIES
from pierhead.statistics.verdicts import ALPHA

Series = Mapping[str, Sequence[Reading]]
"""Readings by the name of the series: a column, or "" for the whole."""

LOOK_BACK = timedelta(days=35)

_WORST = 3
_REMEMBERED = 5000
_SHARES = ("accuracy_score",)
_OF_NULLS = ("percent_null", "percent_null_delta")
_LESS_IS_BETTER = ("error", "loss", "deviance")
# What the statistics area calls the statistic that a column of the drift table holds.
_STATISTICS = {
    "population_stability_index": "psi",
    "js_distance": "jensen_shannon",
    "hellinger": "hellinger",
    "tv_distance": "total_variation",
    "l_infinity_distance": "l_infinity",
    "ks_test.statistic": "ks",
    "wasserstein_scaled": "wasserstein_scaled",
    "new_category_share": "new_category_share",
}


class TableMetrics:
    """Reads anew only what was refreshed since. One per loop."""

    def __init__(self, tables: MetricTables) -> None:
        self._tables = tables
        self._known: dict[tuple[str, AlertRule], tuple[object, Series]] = {}

    def read(self, table: str, rule: AlertRule, now: datetime) -> Series:
        """The rule's metric in the monitor of a table; nothing without a monitor or its metric.

        Raises PierheadError, or one of DELTA_ERRORS.
        """
        monitor = self._tables.find_monitor(table)
        if monitor is None:
            return {}
        version = (monitor.id, monitor.version, self._tables.data_version(monitor))
        key = (table, rule)
        known = self._known.get(key)
        if known is None or known[0] != version:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = (version, self._read(monitor, rule, now - LOOK_BACK))
            self._known[key] = known
        return known[1]

    def forget(self, rules: Collection[AlertRule]) -> None:
        """Remember only what was read for these."""
        self._known = {key: known for key, known in self._known.items() if key[1] in rules}

    def _read(self, monitor: Monitor, rule: AlertRule, since: datetime) -> Series:
        if rule.metric.family is Family.DRIFT:
            rows = _rows(self._tables.read_drift(monitor, since), monitor, rule, ("drift_type", "BASELINE"))
            return _by_column(rows, rule, "n_cur", monitor)
        profile = self._tables.read_profile(monitor, since)
        if rule.metric.family is Family.PROFILE:
            return _by_column(_rows(profile, monitor, rule, ("log_type", "INPUT")), rule, "n", monitor)
        return {"": _quality(_rows(profile, monitor, rule, None), rule)}


def _rows(table: pa.Table, monitor: Monitor, rule: AlertRule, only: tuple[str, str] | None) -> list[dict[str, Any]]:
    """The rows of all models that the rule speaks of, in its granularity, or the finest that there is."""
    if table.num_rows == 0:
        return []
    # Rows of the baseline have no window, and so no granularity.
    keep = pc.is_valid(table["column_name"]) if only is None else pc.equal(table[only[0]], only[1])
    profile = monitor.profile
    if isinstance(profile, InferenceLogProfile) and profile.model_id_column in table.column_names:
        is_whole = pc.equal(table[profile.model_id_column], ALL_MODELS)
        keep = pc.and_(keep, pc.fill_null(is_whole, True))
    wanted = ("window", "granularity", "log_type", "slice_key", "slice_value", "column_name", "n_cur", "n_cmp", "n")
    more = ("labelled_count", "null_bound", "method_spec", "count", rule.metric.name.partition(".")[0])
    names = [name for name in dict.fromkeys((*wanted, *more)) if name in table.column_names]
    rows: list[dict[str, Any]] = table.filter(keep).select(names).to_pylist()
    granularity = _granularity(rule, {row["granularity"] for row in rows if row["slice_key"] is None})
    return [row for row in rows if row["granularity"] == granularity or row.get("log_type") == "BASELINE"]


def _granularity(rule: AlertRule, found: set[str | None]) -> str:
    if rule.counting.granularity is not None:
        return rule.counting.granularity.value
    return next((each.value for each in Granularity if each.value in found), "")


def _by_column(rows: Sequence[Mapping[str, Any]], rule: AlertRule, count: str, monitor: Monitor) -> Series:
    left_out = {"", TABLE_ROW} if "*" in rule.columns else {""}
    if isinstance(monitor.profile, InferenceLogProfile):
        # When it was said is no feature.
        left_out.add(monitor.profile.timestamp_column)
        if "*" in rule.columns and rule.metric.name in _OF_NULLS:
            # Labels are missing because they come late.
            left_out.add(monitor.profile.label_column or "")
    slices = _slices(rows, rule, count)
    series: dict[str, list[Reading]] = defaultdict(list)
    for row in rows:
        column = row["column_name"] or ""
        if row["slice_key"] is not None or column in left_out or not rule.speaks_of(column):
            continue
        value = _value(row, rule.metric)
        if value is None:
            continue
        window = _window(row)
        worst = slices.get((column, window.start), ())
        bound = _bound(row, rule.metric) if rule.needs_bound else None
        series[column].append(Reading(window, value, row.get(count) or 0, bound, tuple(worst)))
    return series


def _slices(
    rows: Sequence[Mapping[str, Any]], rule: AlertRule, count: str
) -> Mapping[tuple[str, datetime], Sequence[Slice]]:
    """The worst slices by column and start of the window; those of a few rows are left to chance."""
    found: dict[tuple[str, datetime], list[Slice]] = defaultdict(list)
    least = rule.counting.least_samples / 10
    for row in rows:
        value = _value(row, rule.metric)
        if row["slice_key"] is not None and value is not None and (row.get(count) or 0) >= least:
            name = f"{row['slice_key']} = {row['slice_value']}"
            found[row["column_name"] or "", _window(row).start].append(Slice(name, value, row[count]))
    is_above = rule.limit.side is Side.ABOVE
    return {key: sorted(each, key=lambda part: part.value, reverse=is_above)[:_WORST] for key, each in found.items()}


def _quality(rows: Sequence[Mapping[str, Any]], rule: AlertRule) -> list[Reading]:
    """How much worse each window is than the reference: the baseline's own predictions, or, without any, all windows
    before the last ones."""
    whole = [row for row in rows if row["slice_key"] is None and row["column_name"] == TABLE_ROW]
    windows = sorted((row for row in whole if row["log_type"] == "INPUT"), key=lambda row: row["window"]["end"])
    measured = [row for row in windows if _value(row, rule.metric) is not None and _labelled(row)]
    baseline = [row for row in whole if row["log_type"] == "BASELINE" and _value(row, rule.metric) is not None]
    enough = [row for row in measured if _labelled(row) >= rule.counting.least_samples]
    reference, words = (baseline[-1:], "the baseline") if baseline else (enough[: -rule.counting.of], "before")
    if not reference:
        return []
    weights = [max(1, _labelled(row)) for row in reference]
    values = [_value(row, rule.metric) or 0.0 for row in reference]
    expected = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    last = {id(row) for row in (measured if baseline else enough[-rule.counting.of :])}
    return [_worse(row, rule, expected, sum(weights), words) for row in measured if id(row) in last]


def _worse(row: Mapping[str, Any], rule: AlertRule, expected: float, expected_n: int, words: str) -> Reading:
    value, n, name = _value(row, rule.metric) or 0.0, _labelled(row), rule.metric.name
    sign = -1.0 if any(part in name for part in _LESS_IS_BETTER) else 1.0
    bound = share_bound(expected, n, expected_n) if name in _SHARES else None
    detail = f"{name} {value:.4g}, {words} {expected:.4g}"
    return Reading(_window(row), sign * (expected - value), n, bound, (), detail)


def share_bound(share: float, n: int, m: int) -> float:
    """What the difference of two shares exceeds with a chance of 1 in 1000 if both come from `share`: the normal
    approximation with pooled variance.

    >>> round(share_bound(0.9, 1000, 9000), 4)
    0.0309
    """
    share = min(max(share, 0.5 / m), 1 - 0.5 / m)
    return float(ndtri(1 - ALPHA)) * sqrt(share * (1 - share) * (1 / n + 1 / m))


def psi_bound(n: int, m: int, bins: int) -> float:
    """What the PSI of two samples from one distribution exceeds with a chance of 1 in 1000: (1/n + 1/m) times the
    quantile of chi-square with `bins` - 1 degrees of freedom.

    >>> round(psi_bound(1000, 1000, 10), 4)
    0.0558
    """
    return (1 / n + 1 / m) * float(chdtri(max(1, bins - 1), ALPHA))


def _bound(row: Mapping[str, Any], metric: Metric) -> float | None:
    """The null bound of this very metric: the row's if it speaks of it."""
    spec = _spec(row.get("method_spec"))
    if spec.get("statistic") == _STATISTICS.get(metric.name, "") and row.get("null_bound") is not None:
        return float(row["null_bound"])
    n, m, cells = row.get("n_cur") or 0, row.get("n_cmp") or 0, _cells(spec)
    if metric.name != "population_stability_index" or not n or not m or cells is None:
        return None
    return psi_bound(n, m, cells)


def _cells(spec: Mapping[str, Any]) -> int | None:
    """Into how many cells the values of a column were put, wherever the row says so."""
    others = spec.get("others")
    told = [spec, *(others.values() if isinstance(others, Mapping) else ())]
    specs = [each for each in told if isinstance(each, Mapping)]
    edges = [each["inner_edges"] for each in specs if isinstance(each.get("inner_edges"), list)]
    if edges:
        return len(edges[0]) + 1
    # Of categories nobody wrote how many there are: the most that there can be, so the bound is never too small.
    return MOST_CATEGORIES + 1 if any(each.get("statistic") == "psi" for each in specs) else None


def _spec(text: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _value(row: Mapping[str, Any], metric: Metric) -> float | None:
    value: Any = row
    for part in metric.name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _labelled(row: Mapping[str, Any]) -> int:
    return int(row.get("labelled_count") or 0)


def _window(row: Mapping[str, Any]) -> Window:
    return Window(row["window"]["start"], row["window"]["end"])
