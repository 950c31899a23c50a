"""Features of a report, the most drifted first, and what is drawn of each."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import floor, isfinite

from pierhead.monitoring.domain.monitors import ALL_MODELS, TABLE_ROW
from pierhead.monitoring.domain.report_facts import ColumnFact, DriftFact, Facts
from pierhead.monitoring.domain.windows import Window

BINS = 24
_MOST_WHOLE = 40
MOST_CATEGORIES = 10


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of reference and current values in the same bins, and outside of them; None without such values."""

    edges: tuple[float, ...]
    reference: "Spread | None"
    current: "Spread | None"


@dataclass(frozen=True, slots=True)
class Spread:
    inside: tuple[float, ...]
    below: float
    above: float


@dataclass(frozen=True, slots=True)
class CategoryShare:
    """Shares 0-1 of a category; `is_new` if the reference knows all of its categories and this is none of them."""

    name: str
    reference: float | None
    current: float | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: its newest verdict, those before it in order of time, and its values.

    `is_current` says whether the verdict is of the newest window that was judged at all.
    """

    name: str
    data_type: str
    latest: DriftFact | None
    is_current: bool
    history: tuple[DriftFact, ...]
    reference: ColumnFact | None
    current: ColumnFact | None
    profiles: tuple[ColumnFact, ...]

    @property
    def level(self) -> str:
        return self.latest.level if self.latest is not None else "unknown"

    @property
    def is_drifted(self) -> bool:
        return self.is_current and self.latest is not None and self.latest.is_drifted

    @property
    def is_numeric(self) -> bool:
        return any(each.quantiles for each in (*self.profiles, self.reference) if each is not None)


_LEVELS = {"alarm": 3, "warn": 2, "ok": 1}


def features_of(facts: Facts) -> list[Feature]:
    """Every column that was profiled or judged, by gravity of its newest verdict, then strength, then name."""
    drift = _by_column(one_each(facts.drift))
    columns: dict[str, list[ColumnFact]] = {}
    for column in facts.columns:
        columns.setdefault(column.column, []).append(column)
    judged = [latest for history in drift.values() if (latest := newest(history, facts.now)) is not None]
    newest_window = max((each.window for each in judged), default=None)
    features = [
        _feature(name, drift.get(name, []), columns.get(name, []), newest_window, facts.now)
        for name in (drift.keys() | columns.keys()) - {TABLE_ROW}
    ]
    return sorted(features, key=_gravity)


def one_each(drift: Iterable[DriftFact]) -> list[DriftFact]:
    """One verdict for each column and window, in order of time: that of all models together if there is one.

    Versions that were trained on different data have no verdict together; then the gravest of theirs counts.
    """
    found: dict[tuple[Window, str], DriftFact] = {}
    for each in drift:
        known = found.get((each.window, each.column))
        if each.part is None and (known is None or _precedence(each) > _precedence(known)):
            found[each.window, each.column] = each
    return [found[key] for key in sorted(found)]


def newest(history: Sequence[DriftFact], now: datetime) -> DriftFact | None:
    """The verdict that counts: that of the newest window that is over and was judged, else of one that is not over.

    What has too few values is not judged.
    """
    known = sorted((each for each in history if each.strength is not None), key=lambda each: each.window)
    over = [each for each in known if each.window.end <= now]
    counting = over or known
    return counting[-1] if counting else None


def histogram_of(feature: Feature) -> Histogram | None:
    """Over the middle 98 percent of both; None unless both or one of them have numbers.

    Bins are equally wide. Whole numbers in a small range have a bin each. Shares come from the quantiles, so they are
    exact to the distance of two of them.
    """
    known = [each.quantiles for each in (feature.reference, feature.current) if each is not None and each.quantiles]
    if not known:
        return None
    edges = _edges(known)
    if edges is None:
        return None
    return Histogram(edges, _spread(feature.reference, edges), _spread(feature.current, edges))


def categories_of(feature: Feature) -> tuple[CategoryShare, ...]:
    """The most frequent categories of both, the reference's largest first, new ones behind them."""
    before, now = _shares(feature.reference), _shares(feature.current)
    largest = sorted(before, key=lambda name: (-before[name], name))[:MOST_CATEGORIES]
    # A category is new if the reference names all of its own.
    is_whole = feature.reference is not None and abs(sum(before.values()) - 1) < 1e-9
    added = sorted((name for name in now if name not in before), key=lambda name: (-now[name], name))
    return tuple(
        CategoryShare(
            name,
            before.get(name, 0.0) if feature.reference is not None else None,
            now.get(name, 0.0) if feature.current is not None else None,
            is_whole and name in now and name not in before,
        )
        for name in (*largest, *added[: MOST_CATEGORIES // 2 if largest else MOST_CATEGORIES])
    )


def _by_column(drift: Iterable[DriftFact]) -> dict[str, list[DriftFact]]:
    found: dict[str, list[DriftFact]] = {}
    for each in drift:
        found.setdefault(each.column, []).append(each)
    return found


def _precedence(fact: DriftFact) -> tuple[bool, bool, int, float]:
    is_judged = fact.strength is not None
    return is_judged, fact.model == ALL_MODELS, _LEVELS.get(fact.level, 0), fact.strength or 0.0


def _feature(
    name: str, history: Sequence[DriftFact], columns: Sequence[ColumnFact], newest_window: Window | None, now: datetime
) -> Feature:
    latest = newest(history, now)
    profiles = sorted((each for each in columns if each.window is not None), key=_start)
    known = [each for each in profiles if each.n]
    over = [each for each in known if each.window is not None and each.window.end <= now]
    shown = next((each for each in reversed(known) if latest is not None and each.window == latest.window), None)
    references = {each.model: each for each in columns if each.window is None}
    whose = latest.model if latest is not None else ALL_MODELS
    reference = references.get(whose) or references.get(ALL_MODELS) or next(reversed(references.values()), None)
    types = [each.data_type for each in (*reversed(profiles), reference) if each is not None]
    return Feature(
        name=name,
        data_type=types[0] if types else "",
        latest=latest,
        is_current=latest is not None and latest.window == newest_window,
        history=tuple(history),
        reference=reference,
        current=shown or next(reversed(over or known), None),
        profiles=tuple(profiles),
    )


def _start(column: ColumnFact) -> datetime:
    assert column.window is not None, "the reference has no window"
    return column.window.start


def _gravity(feature: Feature) -> tuple[bool, int, float, str]:
    strength = feature.latest.strength if feature.latest is not None else None
    return not feature.is_current, -_LEVELS.get(feature.level, 0), -(strength or 0.0), feature.name


def _edges(known: Sequence[Sequence[float]]) -> tuple[float, ...] | None:
    whole = [values for values in ([each for each in one if isfinite(each)] for one in known) if values]
    if not whole:
        return None
    lower = min(_at(values, 0.01) for values in whole)
    upper = max(_at(values, 0.99) for values in whole)
    if upper <= lower:
        room = abs(lower) * 0.05 or 0.5
        lower, upper = lower - room, upper + room
    is_counted = all(value == floor(value) for values in whole for value in values)
    if is_counted and upper - lower < _MOST_WHOLE:
        return tuple(floor(lower) - 0.5 + step for step in range(round(upper - lower) + 2))
    edges = tuple(lower * (1 - step / BINS) + upper * (step / BINS) for step in range(BINS + 1))
    # Neighbouring floats leave no room for bins between them.
    return edges if all(a < b for a, b in pairwise(edges)) else None


def _at(quantiles: Sequence[float], share: float) -> float:
    return quantiles[round(share * (len(quantiles) - 1))]


def _spread(column: ColumnFact | None, edges: Sequence[float]) -> Spread | None:
    if column is None or not column.quantiles:
        return None
    reached = [share_up_to(column.quantiles, edge) for edge in edges]
    # What lies on the lowest edge itself belongs to the first bin.
    below = _share_under(column.quantiles, edges[0])
    first = [below, *reached[1:]]
    return Spread(tuple(b - a for a, b in pairwise(first)), below, 1 - reached[-1])


def share_up_to(quantiles: Sequence[float], value: float) -> float:
    """The share of values that are at most `value`, from quantiles at equally spaced ranks.

    >>> share_up_to((0.0, 1.0, 2.0), 0.5), share_up_to((3.0, 3.0, 3.0), 3.0), share_up_to((0.0, 1.0), -1.0)
    (0.25, 1.0, 0.0)
    """
    place = bisect_right(quantiles, value)
    if place == 0:
        return 0.0
    return _between(quantiles, place, value)


def _share_under(quantiles: Sequence[float], value: float) -> float:
    place = bisect_left(quantiles, value)
    if place == 0:
        return 0.0
    return _between(quantiles, place, value)


def _between(quantiles: Sequence[float], place: int, value: float) -> float:
    last = len(quantiles) - 1
    if place > last:
        return 1.0
    lower, upper = quantiles[place - 1], quantiles[place]
    # Halves, as the difference of two floats may be none.
    width = upper / 2 - lower / 2
    part = (value / 2 - lower / 2) / width if width > 0 and isfinite(width) else 0.0
    return (place - 1 + min(1.0, max(0.0, part))) / last


def _shares(column: ColumnFact | None) -> Mapping[str, float]:
    if column is None or not column.n:
        return {}
    return {name: count / column.n for name, count in column.frequent}
