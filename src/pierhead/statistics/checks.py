"""The checks of a column against its reference: its distribution, its nulls, its new categories."""

import math
from collections.abc import Mapping
from dataclasses import replace

from pierhead.statistics.binning import BINS
from pierhead.statistics.counts import OTHER, absence
from pierhead.statistics.distances import chi_squared, hellinger, jensen_shannon, l_infinity, psi, total_variation
from pierhead.statistics.method import Measured, MethodSpec, unmeasured
from pierhead.statistics.null_bounds import Null, null_of_counts, wasserstein_scaled_null
from pierhead.statistics.references import CategoricalReference, NumericReference
from pierhead.statistics.share_bounds import NewCategories, NullShare
from pierhead.statistics.sketches import comparison
from pierhead.statistics.sketches.categorical import CategoricalSketch
from pierhead.statistics.sketches.numeric import NumericSketch
from pierhead.statistics.smirnov import Smirnov
from pierhead.statistics.verdicts import DEFAULT_THRESHOLDS, Check, Thresholds

CATEGORY_BINS = "the reference's categories (at most 200, most frequent), all others as __other__"
NULL_SHARE = MethodSpec(
    "null_share_change", variant="|share of null or NaN rows, current - reference|", null=NullShare.formula
)
NEW_CATEGORIES = MethodSpec(
    "new_category_share", variant="share of values whose category the reference lacks", null=NewCategories.formula
)
_OF_COUNTS = {
    "psi": (psi.of_counts, psi.METHOD),
    "jensen_shannon": (jensen_shannon.of_counts, jensen_shannon.METHOD),
    "hellinger": (hellinger.of_counts, hellinger.METHOD),
    "total_variation": (total_variation.of_counts, total_variation.METHOD),
    "l_infinity": (l_infinity.of_counts, l_infinity.METHOD),
    "chi_squared_effect": (chi_squared.effect, chi_squared.EFFECT_METHOD),
}


def numeric_checks(
    column: str,
    reference: NumericReference,
    current: NumericSketch,
    *,
    statistic: str = "psi",
    thresholds: Mapping[str, Thresholds] = DEFAULT_THRESHOLDS,
) -> list[Check]:
    """Distribution and null share of a numeric column; `current` must be on the reference's bins.

    `statistic`: psi (default), jensen_shannon, hellinger, total_variation, l_infinity, chi_squared_effect (on the
    bins, exact), ks, wasserstein_scaled (from the sketches). Raises ValueError for another one or for other bins.
    """
    held = reference.sketch()
    if held.inner_edges.tolist() != current.inner_edges.tolist():
        raise ValueError(f"column {column!r} is counted on other bins than its reference")
    if statistic in _OF_COUNTS:
        method = replace(_OF_COUNTS[statistic][1], bins=BINS).with_edges(held.inner_edges)
        distribution = _of_counts(statistic, method, held.counts, current.counts)
    else:
        distribution = _of_sketches(statistic, reference, held, current)
    missing = (held.rows - held.n, current.rows - current.n)
    return [
        Check(column, distribution[0], thresholds[statistic], distribution[1]),
        _null_share(column, (held.rows, current.rows), missing, thresholds),
    ]


def categorical_checks(
    column: str,
    reference: CategoricalReference,
    current: CategoricalSketch,
    *,
    statistic: str = "psi",
    thresholds: Mapping[str, Thresholds] = DEFAULT_THRESHOLDS,
) -> list[Check]:
    """Distribution, new categories and null share of a categorical column, counted on the reference's categories.

    `statistic`: psi (default), jensen_shannon, hellinger, total_variation, l_infinity, chi_squared_effect. Raises
    ValueError for another one or for other categories.
    """
    held = reference.sketch()
    if held.counts.keys() != current.counts.keys():
        raise ValueError(f"column {column!r} is counted on other categories than its reference")
    if statistic not in _OF_COUNTS:
        raise ValueError(f"{statistic!r} is no statistic of a categorical column")
    method = replace(_OF_COUNTS[statistic][1], bins=CATEGORY_BINS)
    measured, null = _of_counts(statistic, method, held.cells(), current.cells())
    return [
        Check(column, measured, thresholds[statistic], null),
        _new_categories(column, reference, held, current, thresholds),
        _null_share(column, (held.rows, current.rows), (held.nulls, current.nulls), thresholds),
    ]


def missing_categories(reference: CategoricalReference, current: CategoricalSketch) -> list[str]:
    """Categories of the reference that do not occur in the current data, most frequent first."""
    held = reference.sketch().counts
    gone = [category for category, times in held.items() if times and not current.counts.get(category)]
    return sorted(gone, key=lambda category: (-held[category], category))


def _of_counts(statistic: str, method: MethodSpec, reference: object, current: object) -> tuple[Measured, Null | None]:
    measured = _OF_COUNTS[statistic][0](reference, current, method)  # type: ignore[arg-type]
    if measured.value is None:
        return measured, None
    null = null_of_counts(statistic, reference, current)  # type: ignore[arg-type]
    return replace(measured, method=replace(method, null=null.formula)), null


def _of_sketches(
    statistic: str, reference: NumericReference, held: NumericSketch, current: NumericSketch
) -> tuple[Measured, Null | None]:
    if statistic == "ks":
        measured = comparison.ks(held, current)
        return measured, None if measured.value is None else Smirnov(held.n, current.n)
    if statistic != "wasserstein_scaled":
        raise ValueError(f"{statistic!r} is no statistic of a numeric column")
    measured = comparison.wasserstein_scaled(held, current)
    if measured.value is None:
        return measured, None
    if reference.spread is None:
        return unmeasured(measured.method, "the reference has too few values", held.n, current.n), None
    return measured, wasserstein_scaled_null(held.n, current.n, reference.spread)


def _null_share(
    column: str, rows: tuple[int, int], missing: tuple[int, int], thresholds: Mapping[str, Thresholds]
) -> Check:
    limits = thresholds[NULL_SHARE.statistic]
    if not all(rows):
        reason = absence(*rows) or ""
        return Check(column, unmeasured(NULL_SHARE, reason.replace("values", "rows"), *rows), limits, None)
    change = math.fabs(missing[1] / rows[1] - missing[0] / rows[0])
    return Check(column, Measured(change, NULL_SHARE, *rows), limits, NullShare(*rows, sum(missing)))


def _new_categories(
    column: str,
    reference: CategoricalReference,
    held: CategoricalSketch,
    current: CategoricalSketch,
    thresholds: Mapping[str, Thresholds],
) -> Check:
    limits, sizes = thresholds[NEW_CATEGORIES.statistic], (held.n, current.n)
    reason = absence(*sizes)
    if reason is None and not reference.is_complete:
        reason = "the reference has more categories than are kept"
    if reason:
        return Check(column, unmeasured(NEW_CATEGORIES, reason, *sizes), limits, None)
    measured = Measured(current.other / current.n, NEW_CATEGORIES, *sizes)
    known = [times + current.counts[category] for category, times in held.counts.items()]
    named = [times for category, times in current.beyond().items() if category != OTHER]
    # What the frequent items could not name is taken as categories of one row each: the most that chance explains.
    unnamed = max(0, current.other - sum(named))
    null = NewCategories.of(*sizes, (times for times in [*known, *named, *[1] * unnamed] if times))
    return Check(column, measured, limits, null)
