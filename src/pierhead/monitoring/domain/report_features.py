"""Features of a report, the most drifted first, and what is drawn of each."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

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
    drift = _by_column(each for each in facts.drift if each.part is None and each.model == ALL_MODELS)
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


def newest(history: Sequence[DriftFact], now: datetime) -> DriftFact | None:
    """The verdict that counts: that of the newest window that is over and has a value, else of one that is not over."""
    known = sorted((each for each in history if each.value is not None), key=lambda each: each.window)
    over = [each for each in known if each.window.end <= now]
    return (over or known or [None])[-1]


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


def _by_column(drift: "Sequence[DriftFact] | object") -> dict[str, list[DriftFact]]:
    found: dict[str, list[DriftFact]] = {}
    for each in sorted(drift, key=lambda fact: fact.window):  # type: ignore[call-overload]
        found.setdefault(each.column, []).append(each)
    return found
