"""What both dialects write of a monitor in the same way, each in its own words."""

from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.monitoring.api.monitor_dialects import Dialect, word_of
from pierhead.monitoring.api.monitor_reading import NEW_TAG
from pierhead.monitoring.domain.monitors import (
    CustomMetric,
    InferenceLogProfile,
    Monitor,
    Profile,
    Refresh,
    Schedule,
    SnapshotProfile,
    TimeSeriesProfile,
)


def config_json(monitor: Monitor, dialect: Dialect) -> dict[str, Any]:
    """What the client said, as it said it: what was not said is left out."""
    said: dict[str, Any] = dict(_profile(monitor.profile, dialect))
    said["assets_dir"] = monitor.assets_dir or None
    said["baseline_table_name"] = None if monitor.baseline is None else monitor.baseline.table
    said["custom_metrics"] = [_metric(metric, dialect) for metric in monitor.custom_metrics] or None
    said["slicing_exprs"] = list(monitor.slicing) or None
    said["schedule"] = None if monitor.schedule is None else _schedule(monitor.schedule, dialect)
    said[dialect.notifications] = _notifications(monitor)
    said |= {key: monitor.facts[key] for key in dialect.kept if key in monitor.facts}
    return {key: value for key, value in said.items() if value is not None}


def state_json(monitor: Monitor, dialect: Dialect) -> dict[str, Any]:
    """What the platform says of it."""
    state: dict[str, Any] = {
        "status": word_of(dialect.statuses, monitor.status),
        "profile_metrics_table_name": monitor.profile_table,
        "drift_metrics_table_name": monitor.drift_table,
        "monitor_version": monitor.version,
    }
    return state | ({dialect.failure: monitor.message} if monitor.message else {})


def refresh_json(refresh: Refresh, *, state_prefix: str) -> dict[str, Any]:
    """`start_time_ms` is when it was asked for, as Databricks has it."""
    written: dict[str, Any] = {
        "refresh_id": refresh.id,
        "state": state_prefix + refresh.state.value,
        "start_time_ms": to_ms(refresh.asked_at),
    }
    if refresh.ended_at is not None:
        written["end_time_ms"] = to_ms(refresh.ended_at)
    return written | ({"message": refresh.message} if refresh.message else {})


def _profile(profile: Profile, dialect: Dialect) -> dict[str, dict[str, Any]]:
    match profile:
        case SnapshotProfile():
            return {"snapshot": {}}
        case TimeSeriesProfile():
            return {"time_series": _windows(profile, dialect)}
        case InferenceLogProfile():
            log = _windows(profile, dialect) | {
                "problem_type": word_of(dialect.problem_types, profile.problem_type),
                dialect.prediction: profile.prediction_column,
                dialect.model_id: profile.model_id_column,
            }
            if profile.label_column is not None:
                log[dialect.label] = profile.label_column
            if dialect.probability is not None and profile.probability_column is not None:
                log[dialect.probability] = profile.probability_column
            return {"inference_log": log}


def _windows(profile: TimeSeriesProfile | InferenceLogProfile, dialect: Dialect) -> dict[str, Any]:
    granularities = [word_of(dialect.granularities, each) for each in profile.granularities]
    return {dialect.timestamp: profile.timestamp_column, "granularities": granularities}


def _metric(metric: CustomMetric, dialect: Dialect) -> dict[str, Any]:
    return {
        "name": metric.name,
        "type": word_of(dialect.metric_types, metric.type),
        "definition": metric.definition,
        "input_columns": list(metric.input_columns),
        "output_data_type": metric.output_data_type,
    }


def _schedule(schedule: Schedule, dialect: Dialect) -> dict[str, Any]:
    return {
        "quartz_cron_expression": schedule.quartz_cron,
        "timezone_id": schedule.time_zone,
        "pause_status": next(word for word, paused in dialect.pauses.items() if paused is schedule.is_paused),
    }


def _notifications(monitor: Monitor) -> dict[str, Any] | None:
    said: dict[str, Any] = {}
    if monitor.notifications.on_failure:
        said["on_failure"] = {"email_addresses": list(monitor.notifications.on_failure)}
    if NEW_TAG in monitor.facts:
        said[NEW_TAG] = monitor.facts[NEW_TAG]
    return said or None
