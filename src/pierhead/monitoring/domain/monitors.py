"""What a monitor is: which table it profiles, in which windows, against what, and when.

Time windows, slices and models make *cells*; a profile has a row for each cell and column, a drift row compares one
cell's column with the same column of the window before it (CONSECUTIVE) or of the baseline (BASELINE).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from pierhead.monitoring.domain.windows import Granularity

ALL_MODELS = "*"
"""The value of the model id column in rows of all models together."""

TABLE_ROW = ":table"
"""The column name of rows about the table as a whole."""


class ProblemType(Enum):
    """Values are kept in rows."""

    CLASSIFICATION = "CLASSIFICATION"
    REGRESSION = "REGRESSION"


@dataclass(frozen=True, slots=True)
class InferenceLogProfile:
    """Windows, models and quality of predictions.

    `label_column` may be a column of the table; of an endpoint's requests table it is `label`, which is joined from the
    labels table beside it. `probability_column` holds a number (of the positive class, or of the predicted one if there
    are more than two), a list of numbers (one for each class, in order) or a map from class to number.
    """

    problem_type: ProblemType
    timestamp_column: str
    granularities: tuple[Granularity, ...]
    prediction_column: str
    model_id_column: str
    label_column: str | None = None
    probability_column: str | None = None


@dataclass(frozen=True, slots=True)
class TimeSeriesProfile:
    """Windows alone."""

    timestamp_column: str
    granularities: tuple[Granularity, ...]


@dataclass(frozen=True, slots=True)
class SnapshotProfile:
    """The whole table at each refresh; its window begins and ends when the refresh was asked for."""


Profile = InferenceLogProfile | TimeSeriesProfile | SnapshotProfile


class CustomMetricType(Enum):
    """Values are kept in rows."""

    AGGREGATE = "AGGREGATE"
    """SQL over the rows of a cell."""
    DERIVED = "DERIVED"
    """SQL over the aggregate metrics of the same profile row."""
    DRIFT = "DRIFT"
    """SQL over the metrics of two profile rows, `{{current_df}}` and `{{base_df}}`."""


@dataclass(frozen=True, slots=True)
class CustomMetric:
    """A column of the metric tables that its owner defines, in Jinja and SQL.

    `input_columns` are names of columns, or `:table` for one value of the whole table. `output_data_type` is a Spark
    type, as a name or as the JSON of a field.
    """

    name: str
    type: CustomMetricType
    definition: str
    input_columns: tuple[str, ...]
    output_data_type: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """A Delta table at a version: what `BASELINE` drift compares with. Three-part name."""

    table: str
    version: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """`quartz_cron` has six or seven fields, seconds first; `time_zone` is a name such as `Europe/Berlin`."""

    quartz_cron: str
    time_zone: str
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Notifications:
    """E-mail addresses that hear of a refresh that failed."""

    on_failure: tuple[str, ...] = ()


class MonitorStatus(Enum):
    """Values are kept in rows and go over the wire, behind a prefix."""

    ACTIVE = "ACTIVE"
    PENDING = "PENDING"
    """Made, and not refreshed yet."""
    ERROR = "ERROR"
    """The newest refresh failed; the next one may succeed."""
    FAILED = "FAILED"
    """It cannot work any more: its table is gone."""
    DELETE_PENDING = "DELETE_PENDING"


@dataclass(frozen=True, slots=True)
class MonitorDraft:
    """What a client says of a monitor.

    `baseline_table` is three-part and taken at its newest version unless `baseline_version` is given. Without one, an
    inference log is compared with the recorded training data of the versions that answered, where it is recorded.
    `facts` are kept and given back (a dialect's own fields); nothing reads them.
    """

    table: str
    output_schema: str
    profile: Profile
    slicing: tuple[str, ...] = ()
    custom_metrics: tuple[CustomMetric, ...] = ()
    baseline_table: str | None = None
    baseline_version: int | None = None
    schedule: Schedule | None = None
    notifications: Notifications = Notifications()
    assets_dir: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Monitor:
    """One table's monitor. `version` counts its changes from 0; `message` says why its status is ERROR or FAILED."""

    id: str
    table: str
    output_schema: str
    profile: Profile
    slicing: tuple[str, ...]
    custom_metrics: tuple[CustomMetric, ...]
    baseline: Baseline | None
    schedule: Schedule | None
    notifications: Notifications
    assets_dir: str
    facts: Mapping[str, Any]
    status: MonitorStatus
    message: str
    version: int
    created_by: str
    created_at: datetime

    @property
    def profile_table(self) -> str:
        """Three-part name of the table of profile metrics."""
        return f"{self.output_schema}.{_last(self.table)}_profile_metrics"

    @property
    def drift_table(self) -> str:
        """Three-part name of the table of drift metrics."""
        return f"{self.output_schema}.{_last(self.table)}_drift_metrics"


class RefreshState(Enum):
    """Values are kept in rows and go over the wire, as they are or behind a prefix."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_over(self) -> bool:
        return self not in (RefreshState.PENDING, RefreshState.RUNNING)


class Trigger(Enum):
    """Values are kept in rows and go over the wire."""

    MANUAL = "MANUAL"
    SCHEDULE = "SCHEDULE"
    DATA_CHANGE = "DATA_CHANGE"


@dataclass(frozen=True, slots=True)
class Refresh:
    """One computation of a monitor's metrics. Ids of a monitor only grow.

    `from_versions` are the versions of the tables (by what they are: `table`, `labels`) that the refresh before it
    read, empty for the first and where the monitor has changed since; `to_versions` those that this one reads. Both are
    decided when it begins, for `monitor_version`.
    """

    id: int
    monitor_id: str
    state: RefreshState
    trigger: Trigger
    asked_at: datetime
    began_at: datetime | None = None
    ended_at: datetime | None = None
    message: str = ""
    from_versions: Mapping[str, int] = field(default_factory=dict)
    to_versions: Mapping[str, int] = field(default_factory=dict)
    monitor_version: int | None = None


def _last(full_name: str) -> str:
    return full_name.rpartition(".")[2]
