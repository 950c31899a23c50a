"""Rules of alerts: which metric may not go past which limit, in how many windows, and what happens then."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from fnmatch import fnmatchcase

from pierhead.monitoring.domain.windows import Granularity

CLEARS_AT = 0.8
LEAST_SAMPLES = 500


class Family(Enum):
    """Where a metric is read. Values begin its name in YAML, as in `drift.population_stability_index`."""

    DRIFT = "drift"
    """A column of the monitor's drift table, against the baseline."""
    PROFILE = "profile"
    """A column of the monitor's profile table."""
    QUALITY = "quality"
    """How much worse a column of the profile table is than in the baseline's rows; more is worse."""
    TRAFFIC = "traffic"
    LABELS = "labels"
    QUERY = "query"
    """The result of an alert's own SQL."""


TRAFFIC_METRICS = ("error_rate", "p99_ratio", "p99_ms", "log_drop_share", "sample_ratio", "requests")
"""5xx as a share 0-1; p99 latency as a multiple of its baseline, and in ms; lost inference records as a share; the
deviation of the entities' shares from their weights as -log10 of its p-value; a count."""

LABEL_METRICS = ("coverage", "coverage_ratio")
"""The share of mature predictions that have a label, and the same as a multiple of what was usual."""


@dataclass(frozen=True, slots=True)
class Metric:
    family: Family
    name: str

    def __str__(self) -> str:
        return f"{self.family.value}.{self.name}"


class Side(Enum):
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Limit:
    """The value past which a window violates the rule. What was triggered clears only when the distance to the limit is
    a part of the limit on the good side: with 0.8, above 0.2 clears at 0.16, and below 0.5 at 0.6."""

    side: Side
    threshold: float
    clears_at: float = CLEARS_AT

    @property
    def clear_value(self) -> float:
        """The value at which a triggered alert clears.

        >>> Limit(Side.ABOVE, 10.0).clear_value, Limit(Side.BELOW, 10.0).clear_value
        (8.0, 12.0)
        """
        room = (1 - self.clears_at) * abs(self.threshold)
        return round(self.threshold - room if self.side is Side.ABOVE else self.threshold + room, 12)

    def is_past(self, value: float) -> bool:
        return value > self.threshold if self.side is Side.ABOVE else value < self.threshold

    def is_clear(self, value: float) -> bool:
        return value <= self.clear_value if self.side is Side.ABOVE else value >= self.clear_value

    def __str__(self) -> str:
        return f"{self.side.value} {self.threshold:g}"


@dataclass(frozen=True, slots=True)
class Counting:
    """An alert triggers when the newest window and `violating` of the last `of` measured ones violate the rule.

    Windows with fewer than `least_samples` are not measured. What ended longer ago than `stale_after` counts no more;
    None is a time that suits the metric. `granularity` None is the finest that there is.
    """

    violating: int = 2
    of: int = 5
    least_samples: int = LEAST_SAMPLES
    granularity: Granularity | None = None
    stale_after: timedelta | None = None


class Severity(Enum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class NoData(Enum):
    """What becomes of an alert whose metric stops coming: the state NO_DATA, with a message, or as it was."""

    SHOW = "show"
    NOTIFY = "notify"
    IGNORE = "ignore"


class ActionKind(Enum):
    FREEZE_PROMOTIONS = "freeze_promotions"
    HOLD_ROLLOUT = "hold_rollout"
    ROLL_BACK_ROLLOUT = "roll_back_rollout"
    CALL_WEBHOOK = "call_webhook"
    START_JOB = "start_job"


@dataclass(frozen=True, slots=True)
class Action:
    """What the platform does when the alert triggers; `target` names the destination that CALL_WEBHOOK calls."""

    kind: ActionKind
    target: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears of an alert: destinations by name; none means the one called `default`, if there is one.

    Without `retrigger` an alert that stays is told once.
    """

    notify: tuple[str, ...] = ()
    on_ok: bool = True
    no_data: NoData = NoData.SHOW
    retrigger: timedelta | None = None


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule. Names are unique within what the rules are about.

    `columns` are globs of the columns that a drift or profile metric is of, each of which is an alert of its own.
    `needs_bound`: a value counts only if it is also above what chance alone explains at its sample sizes.
    """

    name: str
    metric: Metric
    limit: Limit
    columns: tuple[str, ...] = ()
    needs_bound: bool = False
    counting: Counting = field(default_factory=Counting)
    severity: Severity = Severity.WARNING
    telling: Telling = field(default_factory=Telling)
    actions: tuple[Action, ...] = ()
    every: timedelta = timedelta(minutes=1)
    summary: str = ""

    def speaks_of(self, column: str) -> bool:
        return any(fnmatchcase(column, glob) for glob in self.columns)
