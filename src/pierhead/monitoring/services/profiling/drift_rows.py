"""Rows of the drift table: one column of a cell against the same column of another one.

PSI, new categories and the share of nulls are judged, each against its effect threshold and against what chance does
(statistics/verdicts.py); all columns of one comparison are judged together. The other distances are shown. Below
LEAST_JUDGED values on either side nothing is judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson

from pierhead.monitoring.services.profiling.profile_rows import Row, deviation_of
from pierhead.monitoring.services.profiling.samples import CategoricalSample, NumericSample, Sample
from pierhead.statistics.binning import BINS, decile_edges, edges_from_quantiles
from pierhead.statistics.checks import CATEGORY_BINS, NEW_CATEGORIES, NULL_SHARE
from pierhead.statistics.counts import Floats
from pierhead.statistics.distances import (
    chi_squared,
    hellinger,
    jensen_shannon,
    ks,
    l_infinity,
    psi,
    total_variation,
    wasserstein,
)
from pierhead.statistics.method import Measured
from pierhead.statistics.null_bounds import Null, ScaledChiSquared, null_of_counts
from pierhead.statistics.share_bounds import NewCategories, NullShare
from pierhead.statistics.sketches import comparison
from pierhead.statistics.verdicts import ALPHA, DEFAULT_THRESHOLDS, Check, Level, Verdict, judge, worst

LEAST_JUDGED = 30
_DELTAS = {
    "count_delta": "count",
    "avg_delta": "avg",
    "percent_null_delta": "percent_null",
    "percent_zeros_delta": "percent_zeros",
    "percent_distinct_delta": "percent_distinct",
}


@dataclass(slots=True)
class Compared:
    """A drift row without its verdict, the checks that will give one, and how its numbers were made."""

    row: Row
    checks: list[Check]
    methods: dict[str, Any]


def compare(
    column: str,
    reference: Sample,
    current: Sample,
    rows: tuple[Row, Row],
    edges: Floats,
    *,
    comes_late: bool = False,
) -> Compared:
    """`rows` are the profile rows of reference and current; `edges` those of the bins, empty for the reference's own
    deciles. Values of a column that `comes_late` are missing because it is early: that is not judged."""
    row = deltas(*rows)
    row |= {"column_name": column, "data_type": rows[1]["data_type"], "n_cur": current.n, "n_cmp": reference.n}
    compared = Compared(row, [], {})
    if isinstance(reference, NumericSample) and isinstance(current, NumericSample):
        _compare_numbers(compared, column, reference, current, edges)
    elif isinstance(reference, CategoricalSample) and isinstance(current, CategoricalSample):
        _compare_categories(compared, column, reference, current)
    if not comes_late and min(reference.rows, current.rows) >= LEAST_JUDGED:
        compared.checks.append(_null_share(column, reference, current))
    return compared


def deltas(reference: Row, current: Row) -> Row:
    """Current - reference, for what both have."""
    found: Row = {}
    for delta, name in _DELTAS.items():
        old, new = reference.get(name), current.get(name)
        found[delta] = None if old is None or new is None else new - old
    old_columns, new_columns = reference.get("non_null_columns"), current.get("non_null_columns")
    if old_columns is not None and new_columns is not None:
        added, missing = set(new_columns) - set(old_columns), set(old_columns) - set(new_columns)
        found["non_null_columns_delta"] = {"added": len(added), "missing": len(missing)}
    return found


def judged(compared: Sequence[Compared]) -> list[Row]:
    """The rows of one comparison's columns with their verdicts."""
    verdicts = worst(judge([check for each in compared for check in each.checks], ALPHA))
    return [{**each.row, **_verdict(each, verdicts.get(each.row["column_name"]))} for each in compared]


def _verdict(compared: Compared, verdict: Verdict | None) -> Row:
    if verdict is None or verdict.level is Level.UNKNOWN:
        return {"drifted": False, "level": Level.UNKNOWN.value, "method_spec": _json({"others": compared.methods})}
    measured = verdict.check.measured
    judged = {"value": measured.value, "alpha": ALPHA, "adjusted_by": "holm", "others": compared.methods}
    return {
        "effect_threshold": verdict.effect_threshold,
        "null_bound": verdict.null_bound,
        "p_adjusted": verdict.p_adjusted,
        "drifted": verdict.drifted,
        "level": verdict.level.value,
        "method_spec": _json({**_method(measured), **judged}),
    }


def _compare_numbers(
    compared: Compared, column: str, reference: NumericSample, current: NumericSample, edges: Floats
) -> None:
    bins = edges if edges.size else own_edges(reference)
    counts = reference.counts(bins), current.counts(bins)
    shift = psi.of_counts(*counts, replace(psi.METHOD, bins=BINS).with_edges(bins))
    other = hellinger.of_counts(*counts, replace(hellinger.METHOD, bins=BINS))
    order, moved, scaled = _ordered(reference, current)
    _take(compared, {"population_stability_index": shift, "hellinger": other, "wasserstein_distance": moved})
    _take(compared, {"wasserstein_scaled": scaled})
    compared.row["ks_test"] = _test(order)
    compared.methods["ks_test"] = _method(order)
    if min(reference.n, current.n) >= LEAST_JUDGED:
        compared.checks.append(_psi_check(column, shift, counts))


def _ordered(reference: NumericSample, current: NumericSample) -> tuple[Measured, Measured, Measured]:
    """KS, Wasserstein and the scaled one: exact, or from sketches if there are too many values on a side."""
    if reference.values is not None and current.values is not None:
        moved = wasserstein.of_samples(reference.values, current.values)
        order = ks.of_samples(reference.values, current.values)
    else:
        old, new = reference.as_sketch(), current.as_sketch()
        order, moved = comparison.ks(old, new), comparison.wasserstein(old, new)
    return order, moved, wasserstein.scaled(moved, deviation_of(reference) or 0.0)


def own_edges(sample: NumericSample) -> Floats:
    """Inner edges at the sample's deciles, none without values."""
    if sample.values is not None:
        return decile_edges(sample.values)
    sketch = sample.as_sketch()
    deciles = sketch.quantiles([step / 10 for step in range(1, 10)])
    finite = deciles[np.isfinite(deciles)]
    return edges_from_quantiles(finite, sketch.minimum or 0.0) if finite.size else np.empty(0)


def _compare_categories(
    compared: Compared, column: str, reference: CategoricalSample, current: CategoricalSample
) -> None:
    categories = reference.categories()
    counts = reference.cells(categories), current.cells(categories)
    found = {
        "js_distance": jensen_shannon.of_counts(*counts, replace(jensen_shannon.METHOD, bins=CATEGORY_BINS)),
        "tv_distance": total_variation.of_counts(*counts, replace(total_variation.METHOD, bins=CATEGORY_BINS)),
        "l_infinity_distance": l_infinity.of_counts(*counts, replace(l_infinity.METHOD, bins=CATEGORY_BINS)),
        "population_stability_index": psi.of_counts(*counts, replace(psi.METHOD, bins=CATEGORY_BINS)),
        "hellinger": hellinger.of_counts(*counts, replace(hellinger.METHOD, bins=CATEGORY_BINS)),
    }
    _take(compared, found)
    test = chi_squared.of_counts(*counts, replace(chi_squared.METHOD, bins=CATEGORY_BINS))
    compared.row["chi_squared_test"] = _test(test)
    compared.methods["chi_squared_test"] = _method(test)
    if min(reference.n, current.n) < LEAST_JUDGED:
        return
    compared.checks.append(_psi_check(column, found["population_stability_index"], counts))
    if reference.distinct <= len(categories):
        fresh = _new_categories(column, reference, current, categories)
        compared.row["new_category_share"] = fresh.measured.value
        compared.checks.append(fresh)


def _psi_check(column: str, measured: Measured, counts: tuple[Any, Any]) -> Check:
    null: Null | None = None
    if measured.value is not None:
        null = _quick_null(measured, counts)
        if measured.value > null.bound(ALPHA):
            null = null_of_counts("psi", *counts)
        measured = replace(measured, method=replace(measured.method, null=null.formula))
    return Check(column, measured, DEFAULT_THRESHOLDS["psi"], null)


def _quick_null(measured: Measured, counts: tuple[Any, Any]) -> Null:
    """The limit for large counts. Chance goes further where counts are small: what stays below this needs no more, and
    drawing samples for each of thousands of quiet cells would take minutes."""
    sides = [dict(side) if isinstance(side, Mapping) else dict(enumerate(side.tolist())) for side in counts]
    occupied = {cell for side in sides for cell, count in side.items() if count}
    factor = 1 / measured.n_reference + 1 / measured.n_current
    return ScaledChiSquared(factor, len(occupied) - 1, "(1/n + 1/m) chi-squared(cells - 1), the limit for large counts")


def _new_categories(
    column: str, reference: CategoricalSample, current: CategoricalSample, categories: Sequence[str]
) -> Check:
    known = set(categories)
    named = {value: count for value, count in current.counts.items() if value not in known}
    fresh = current.n - sum(current.counts.get(category, 0) for category in categories)
    # What was not counted one by one is taken as values of one row each: the most that chance explains.
    unnamed = fresh - sum(named.values())
    sizes = [reference.counts[category] + current.counts.get(category, 0) for category in categories]
    null = NewCategories.of(reference.n, current.n, [*sizes, *named.values(), *[1] * unnamed])
    measured = Measured(fresh / current.n, NEW_CATEGORIES, reference.n, current.n)
    return Check(column, measured, DEFAULT_THRESHOLDS[NEW_CATEGORIES.statistic], null)


def _null_share(column: str, reference: Sample, current: Sample) -> Check:
    sizes, missing = (reference.rows, current.rows), (_missing(reference), _missing(current))
    change = abs(missing[1] / sizes[1] - missing[0] / sizes[0])
    measured = Measured(change, NULL_SHARE, *sizes)
    return Check(column, measured, DEFAULT_THRESHOLDS[NULL_SHARE.statistic], NullShare(*sizes, sum(missing)))


def _missing(sample: Sample) -> int:
    return sample.nulls + (sample.nans if isinstance(sample, NumericSample) else 0)


def _take(compared: Compared, found: Mapping[str, Measured]) -> None:
    for name, measured in found.items():
        compared.row[name] = measured.value
        compared.methods[name] = _method(measured)


def _test(measured: Measured) -> Row | None:
    return None if measured.value is None else {"statistic": measured.value, "pvalue": measured.p_value}


def _method(measured: Measured) -> dict[str, Any]:
    spec = measured.method.as_json()
    if measured.error_bound:
        spec["error_bound"] = measured.error_bound
    if measured.reason is not None:
        spec["no_value"] = measured.reason
    return spec


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
