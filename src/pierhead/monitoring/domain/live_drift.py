"""How the last minutes differ from the reference, told by sketches alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pierhead.statistics.checks import categorical_checks, numeric_checks
from pierhead.statistics.references import CategoricalReference, NumericReference, Reference
from pierhead.statistics.sketches import comparison
from pierhead.statistics.sketches.categorical import CategoricalSketch
from pierhead.statistics.sketches.numeric import NumericSketch
from pierhead.statistics.verdicts import Check, Level, judge, worst

SLOT_MS = 5 * 60_000
KEPT_MS = 60 * 60_000
LEAST_JUDGED = 30
"""Values on either side below which nothing is judged, as in the tables of monitors."""

Sketch = NumericSketch | CategoricalSketch


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """One feature of one model version; `value`, `threshold` and `null_bound` are of `statistic`.

    `ks` is None for categories; the exact one lies within `ks_error` of it.
    """

    model: str
    column: str
    level: str
    statistic: str
    value: float | None
    threshold: float | None
    null_bound: float | None
    n: int
    n_reference: int
    ks: float | None = None
    ks_error: float | None = None


def slot_of(at_ms: int) -> int:
    """When the slot of a moment begins, milliseconds since 1970."""
    return at_ms // SLOT_MS * SLOT_MS


def merged(sketches: Iterable[Sketch]) -> Sketch | None:
    """One sketch of all that are on the bins of the last one: after a change of the reference older ones say
    nothing."""
    kept = list(sketches)
    if not kept:
        return None
    whole = kept[-1]
    for sketch in kept[:-1]:
        if are_alike(sketch, whole):
            whole.merge(sketch)  # type: ignore[arg-type]
    return whole


def compare(model: str, references: Mapping[str, Reference], current: Mapping[str, Sketch]) -> list[LiveColumn]:
    """The features that both have, judged together, the gravest first."""
    pairs = {
        name: (references[name], sketch)
        for name, sketch in current.items()
        if name in references and _fits(references[name], sketch)
    }
    checks = [
        check
        for name, (reference, sketch) in pairs.items()
        if min(reference.sketch().n, sketch.n) >= LEAST_JUDGED
        for check in _checks(name, reference, sketch)
    ]
    verdicts = worst(judge(checks))
    found = []
    for name, (reference, sketch) in pairs.items():
        verdict, sizes = verdicts.get(name), (sketch.n, reference.sketch().n)
        ks, ks_error = _ks(reference, sketch)
        if verdict is None:
            found.append(LiveColumn(model, name, Level.UNKNOWN.value, "", None, None, None, *sizes, ks, ks_error))
            continue
        measured = verdict.check.measured
        limits = (verdict.effect_threshold, verdict.null_bound)
        statistic = measured.method.statistic
        found.append(
            LiveColumn(model, name, verdict.level.value, statistic, measured.value, *limits, *sizes, ks, ks_error)
        )
    return sorted(found, key=_gravity)


def _checks(name: str, reference: Reference, sketch: Sketch) -> list[Check]:
    if isinstance(reference, NumericReference) and isinstance(sketch, NumericSketch):
        return numeric_checks(name, reference, sketch)
    assert isinstance(reference, CategoricalReference)
    assert isinstance(sketch, CategoricalSketch)
    return categorical_checks(name, reference, sketch)


def _ks(reference: Reference, sketch: Sketch) -> tuple[float | None, float | None]:
    if not isinstance(reference, NumericReference) or not isinstance(sketch, NumericSketch):
        return None, None
    measured = comparison.ks(reference.sketch(), sketch)
    return measured.value, measured.error_bound


def _fits(reference: Reference, sketch: Sketch) -> bool:
    return are_alike(reference.sketch(), sketch)


def are_alike(one: Sketch, other: Sketch) -> bool:
    """Whether both are on the same bins, or on the same categories."""
    if isinstance(one, NumericSketch) and isinstance(other, NumericSketch):
        return bool(np.array_equal(one.inner_edges, other.inner_edges))
    if isinstance(one, CategoricalSketch) and isinstance(other, CategoricalSketch):
        return one.counts.keys() == other.counts.keys()
    return False


_GRAVITY = tuple(level.value for level in (Level.ALARM, Level.WARN, Level.OK, Level.UNKNOWN))


def _gravity(column: LiveColumn) -> tuple[int, float, str]:
    limit = max(column.threshold or 0.0, column.null_bound or 0.0)
    strength = column.value / limit if column.value is not None and limit > 0 else 0.0
    return _GRAVITY.index(column.level), -strength, column.column
