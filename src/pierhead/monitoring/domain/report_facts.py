"""What a report is made of, as it was read: nothing here was decided yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pierhead.monitoring.domain.alert_records import KeptAlert
from pierhead.monitoring.domain.cohorts import LabelDelays
from pierhead.monitoring.domain.monitors import ALL_MODELS, MonitorStatus
from pierhead.monitoring.domain.windows import Granularity, Window


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the rows, as `country` = `DE`."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value}"


@dataclass(frozen=True, slots=True)
class DriftFact:
    """One column in one window against the reference.

    `statistic` is the one that was judged, by the name that people know it by; `value`, `threshold` (of the effect) and
    `bound` (what chance alone explains) are on its scale. `level` is ok, warn, alarm or unknown. `others` are further
    statistics by their columns' names.
    """

    window: Window
    column: str
    statistic: str
    value: float | None
    threshold: float | None
    bound: float | None
    level: str
    is_drifted: bool
    n: int
    n_reference: int
    others: Mapping[str, float] = field(default_factory=dict)
    part: Slice | None = None
    model: str = ALL_MODELS

    @property
    def strength(self) -> float | None:
        """The value in units of what would count as drift: 1 is at the limit."""
        if self.value is None:
            return None
        limit = max(self.threshold or 0.0, self.bound or 0.0)
        return abs(self.value) / limit if limit > 0 else None

    def of(self, statistic: str) -> float | None:
        """Another statistic of the same values, as windows may be judged by different ones; None if it was not judged
        at all, for too few values say nothing."""
        if self.strength is None:
            return None
        return self.value if statistic == self.statistic else self.others.get(statistic)


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """One column's values in one window, or in the reference (`window` None).

    `quantiles` are at equally spaced ranks from 0 to 1, empty unless it is numeric; `frequent` are the most frequent
    values with their counts. `n` counts values, `rows` also those that are null or NaN. Versions may have references
    of their own: `model` says whose it is.
    """

    window: Window | None
    column: str
    data_type: str
    rows: int
    n: int
    quantiles: tuple[float, ...] = ()
    frequent: tuple[tuple[str, int], ...] = ()
    model: str = ALL_MODELS

    @property
    def null_share(self) -> float:
        return 1 - self.n / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class QualityFact:
    """How good predictions were in one window, of one model or of all, in all rows or in a part of them.

    `metrics` and `intervals` (95 percent) are by name of the profile table's column; what could not be computed is
    missing. `estimated` are estimates without labels, from `estimated_n` predictions.
    """

    window: Window
    model: str
    part: Slice | None
    predictions: int
    labelled: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    estimated: Mapping[str, float] = field(default_factory=dict)
    estimated_n: int = 0


@dataclass(frozen=True, slots=True)
class TrafficFact:
    """One version's requests in one window, shadows left out; `requests` is what `n` recorded ones stand for.

    `latency_ms` are the quantiles 0.5, 0.95 and 0.99 of the whole time in the gateway.
    """

    window: Window
    model: str
    n: int
    requests: float
    server_errors: float
    latency_ms: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """When a version of the config first answered within the period, if it did not before."""

    at: datetime
    model: str
    config_version: int


@dataclass(frozen=True, slots=True)
class ServedFact:
    """A version that an endpoint serves: `role` is active or candidate; `points` hundredths of a percent of traffic."""

    name: str
    model: str
    points: int
    role: str


@dataclass(frozen=True, slots=True)
class MonitorFact:
    """`table_version` is the newest version of the table that was measured, `computed_at` when."""

    table: str
    profile_table: str
    drift_table: str
    status: MonitorStatus
    message: str
    reference: str
    table_version: int | None = None
    computed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """`payload` is the inference table, None if the endpoint has none; `monitor` None if nobody monitors it."""

    endpoint: str
    now: datetime
    period: Window
    granularity: Granularity
    served: Sequence[ServedFact] = ()
    payload: str | None = None
    monitor: MonitorFact | None = None
    alerts: Sequence[KeptAlert] = ()
    drift: Sequence[DriftFact] = ()
    columns: Sequence[ColumnFact] = ()
    quality: Sequence[QualityFact] = ()
    traffic: Sequence[TrafficFact] = ()
    first_answers: Sequence[FirstAnswer] = ()
    delays: LabelDelays = field(default_factory=LabelDelays)
    problems: Sequence[str] = ()
    """What could not be read, in sentences."""
