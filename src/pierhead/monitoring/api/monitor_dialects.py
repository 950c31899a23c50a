"""How the two APIs of Databricks call what a monitor says: the older `quality_monitors` and `data_quality`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from pierhead.monitoring.domain.monitors import CustomMetricType, MonitorStatus, ProblemType
from pierhead.monitoring.domain.windows import Granularity

Word = TypeVar("Word", bound=Enum)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Names of fields, and words of enumerations. `kept` are fields that are given back and change nothing."""

    timestamp: str
    prediction: str
    model_id: str
    label: str
    probability: str | None
    notifications: str
    failure: str
    problem_types: Mapping[str, ProblemType]
    metric_types: Mapping[str, CustomMetricType]
    granularities: Mapping[str, Granularity]
    statuses: Mapping[str, MonitorStatus]
    pauses: Mapping[str, bool]
    kept: tuple[str, ...]


def word_of(words: Mapping[str, Word], meant: Word) -> str:
    """What a dialect calls it."""
    return next(word for word, meaning in words.items() if meaning is meant)


def _prefixed(prefix: str, meanings: type[Word]) -> dict[str, Word]:
    return {prefix + each.name: each for each in meanings}


QUALITY_MONITORS = Dialect(
    timestamp="timestamp_col",
    prediction="prediction_col",
    model_id="model_id_col",
    label="label_col",
    probability="prediction_proba_col",
    notifications="notifications",
    failure="latest_monitor_failure_msg",
    problem_types=_prefixed("PROBLEM_TYPE_", ProblemType),
    metric_types=_prefixed("CUSTOM_METRIC_TYPE_", CustomMetricType),
    granularities={each.value: each for each in Granularity},
    statuses=_prefixed("MONITOR_STATUS_", MonitorStatus),
    pauses={"PAUSED": True, "UNPAUSED": False, "UNSPECIFIED": False},
    kept=("data_classification_config", "dashboard_id", "skip_builtin_dashboard", "warehouse_id"),
)

DATA_QUALITY = Dialect(
    timestamp="timestamp_column",
    prediction="prediction_column",
    model_id="model_id_column",
    label="label_column",
    probability=None,
    notifications="notification_settings",
    failure="latest_monitor_failure_message",
    problem_types=_prefixed("INFERENCE_PROBLEM_TYPE_", ProblemType),
    metric_types=_prefixed("DATA_PROFILING_CUSTOM_METRIC_TYPE_", CustomMetricType),
    granularities={"AGGREGATION_GRANULARITY_" + each.value.upper().replace(" ", "_"): each for each in Granularity},
    statuses=_prefixed("DATA_PROFILING_STATUS_", MonitorStatus),
    pauses={"CRON_SCHEDULE_PAUSE_STATUS_PAUSED": True, "CRON_SCHEDULE_PAUSE_STATUS_UNPAUSED": False},
    kept=("skip_builtin_dashboard", "warehouse_id"),
)
