"""How good predictions were: which metric leads, which windows may still change, and where it is worst."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pierhead.monitoring.domain.cohorts import mature
from pierhead.monitoring.domain.monitors import ALL_MODELS
from pierhead.monitoring.domain.report_facts import DriftFact, Facts, QualityFact, Slice
from pierhead.monitoring.domain.windows import Window
from pierhead.statistics.quality.intervals import wilson

ACCURACY = "accuracy_score"
LEADING = (
    (ACCURACY, "Accuracy"),
    ("f1_score.macro", "F1, macro"),
    ("roc_auc_score.one_vs_one.weighted", "ROC AUC"),
    ("log_loss", "Log loss"),
    ("root_mean_squared_error", "RMSE"),
    ("mean_average_error", "MAE"),
    ("r2_score", "R²"),
)
"""Columns of the profile table and what people call them, the most telling first."""

_LESS_IS_BETTER = ("error", "loss")
# Means over rows, and the power of the value that is one.
_MEANS = {ACCURACY: 1, "mean_average_error": 1, "root_mean_squared_error": 2, "log_loss": 1}
MOST_METRICS = 3
ENOUGH_LABELS = 1000
_LEAST_ROWS = 30


@dataclass(frozen=True, slots=True)
class WindowQuality:
    """A metric in one window, of `labelled` rows out of `predictions`; the interval is of 95 percent."""

    window: Window
    value: float | None
    interval: tuple[float, float] | None
    labelled: int
    predictions: int
    estimate: float | None = None
    estimated_n: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric over time: of all models, and of each by its id if there is more than one."""

    name: str
    column: str
    overall: tuple[WindowQuality, ...]
    by_model: Mapping[str, tuple[WindowQuality, ...]]

    @property
    def is_share(self) -> bool:
        return not any(word in self.column for word in _LESS_IS_BETTER) and self.column != "r2_score"


@dataclass(frozen=True, slots=True)
class Coverage:
    """`is_open` while more labels are to be expected: `maturity` (0-1) of them should be there by now."""

    window: Window
    predictions: int
    labelled: int
    maturity: float
    is_open: bool


@dataclass(frozen=True, slots=True)
class SliceLine:
    """One part of the rows over the windows that `period` spans."""

    part: Slice
    period: Window
    predictions: int
    labelled: int
    value: float | None
    interval: tuple[float, float] | None
    drifted: tuple[str, ...]


def measures_of(facts: Facts) -> list[Measure]:
    """At most `MOST_METRICS` that have a value, or an estimate, in some window."""
    whole = [each for each in facts.quality if each.part is None]
    found = []
    for column, name in LEADING:
        if any(column in each.metrics or column in each.estimated for each in whole):
            models = sorted({each.model for each in whole} - {ALL_MODELS})
            by_model = {model: _series(whole, model, column) for model in models} if len(models) > 1 else {}
            found.append(Measure(name, column, _series(whole, ALL_MODELS, column), by_model))
    return found[:MOST_METRICS]


def coverage_of(facts: Facts) -> list[Coverage]:
    """Labels by window, in order of time."""
    found = []
    for each in sorted(facts.quality, key=lambda fact: fact.window):
        if each.part is not None or each.model != ALL_MODELS or not each.predictions:
            continue
        maturity, is_mature = mature(facts.delays, each.window.end, facts.now)
        # A window in which every prediction has its label can change no more, however slow labels are elsewhere.
        is_open = not is_mature and (each.labelled < each.predictions or each.window.end > facts.now)
        found.append(Coverage(each.window, each.predictions, each.labelled, maturity, is_open))
    return found


def slices_of(facts: Facts, measure: Measure | None, coverage: Sequence[Coverage]) -> list[SliceLine]:
    """A line for each part of the rows, the worst first, those of few rows last.

    They are of the newest windows that wait for no more labels and have `ENOUGH_LABELS` together; without labels, of
    the newest window.
    """
    period = _slices_period(coverage)
    if period is None:
        return []
    parts: dict[Slice, list[QualityFact]] = {}
    for each in facts.quality:
        if each.part is not None and each.model == ALL_MODELS and each.predictions and _is_within(each.window, period):
            parts.setdefault(each.part, []).append(each)
    lines = [_line(part, known, measure, period, facts.drift) for part, known in parts.items()]
    return sorted(lines, key=lambda line: _badness(line, measure))


def pooled(known: Sequence[QualityFact], column: str) -> float | None:
    """A metric over several windows: exact for what is a mean over rows, else that of the newest window with one."""
    weighted = [(each.metrics[column], each.labelled) for each in known if column in each.metrics and each.labelled]
    if not weighted:
        return None
    if column not in _MEANS:
        newest = max((each for each in known if column in each.metrics), key=lambda fact: fact.window)
        return newest.metrics[column]
    power = _MEANS[column]
    rows = sum(labelled for _, labelled in weighted)
    mean = sum(value**power * labelled for value, labelled in weighted) / rows
    return float(mean ** (1 / power))


def interval_of(fact: QualityFact, column: str) -> tuple[float, float] | None:
    """The interval that was stored, or for accuracy the one that follows from its counts."""
    if column in fact.intervals:
        return fact.intervals[column]
    return _share_interval(fact.metrics.get(column), fact.labelled) if column == ACCURACY else None


def _series(whole: Sequence[QualityFact], model: str, column: str) -> tuple[WindowQuality, ...]:
    return tuple(
        WindowQuality(
            each.window,
            each.metrics.get(column),
            interval_of(each, column),
            each.labelled,
            each.predictions,
            each.estimated.get(column),
            each.estimated_n,
        )
        for each in sorted(whole, key=lambda fact: fact.window)
        if each.model == model
    )


def _slices_period(coverage: Sequence[Coverage]) -> Window | None:
    closed = [each for each in coverage if not each.is_open and each.labelled]
    if not closed:
        return coverage[-1].window if coverage else None
    chosen: list[Window] = []
    labelled = 0
    for each in reversed(closed):
        chosen.append(each.window)
        labelled += each.labelled
        if labelled >= ENOUGH_LABELS:
            break
    return Window(chosen[-1].start, chosen[0].end)


def _is_within(window: Window, period: Window) -> bool:
    return period.start <= window.start and window.end <= period.end


def _line(
    part: Slice, known: Sequence[QualityFact], measure: Measure | None, period: Window, drift: Sequence[DriftFact]
) -> SliceLine:
    column = measure.column if measure is not None else ""
    value, labelled = pooled(known, column), sum(each.labelled for each in known)
    drifted = {
        each.column
        for each in drift
        if each.part == part and each.is_drifted and each.model == ALL_MODELS and _is_within(each.window, period)
    }
    return SliceLine(
        part,
        period,
        sum(each.predictions for each in known),
        labelled,
        value,
        _share_interval(value, labelled) if column == ACCURACY else None,
        tuple(sorted(drifted)),
    )


def _share_interval(value: float | None, n: int) -> tuple[float, float] | None:
    if value is None or not n:
        return None
    found = wilson(value * n, n)
    return found.lower, found.upper


def _badness(line: SliceLine, measure: Measure | None) -> tuple[bool, bool, float, str]:
    is_small = line.labelled < _LEAST_ROWS
    if line.value is None or measure is None:
        return is_small, True, -float(len(line.drifted)), str(line.part)
    sign = -1.0 if any(word in measure.column for word in _LESS_IS_BETTER) else 1.0
    return is_small, False, sign * line.value, str(line.part)
