"""Monitors in the words of both official APIs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName
from pierhead.monitoring.api.data_quality_wire import masked, monitor_json, read_monitor
from pierhead.monitoring.api.data_quality_wire import refresh_info as data_quality_refresh
from pierhead.monitoring.api.quality_monitors_wire import monitor_info, refresh_info
from pierhead.monitoring.api.quality_monitors_wire import read_monitor as read_older
from pierhead.monitoring.domain.monitors import (
    Baseline,
    InferenceLogProfile,
    Monitor,
    MonitorDraft,
    MonitorStatus,
    Refresh,
    RefreshState,
    SnapshotProfile,
    Trigger,
)
from pierhead.monitoring.domain.windows import Granularity

AT = datetime(2026, 3, 1, tzinfo=UTC)
TABLE = FullName("main", "wine", "requests")
OLDER: dict[str, Any] = {
    "assets_dir": "/Workspace/monitors/wine",
    "output_schema_name": "main.wine",
    "baseline_table_name": "main.wine.training",
    "custom_metrics": [
        {
            "name": "squared",
            "type": "CUSTOM_METRIC_TYPE_AGGREGATE",
            "definition": "avg(`{{input_column}}` * `{{input_column}}`)",
            "input_columns": ["alcohol"],
            "output_data_type": '{"type":"struct","fields":[]}',
        }
    ],
    "data_classification_config": {"enabled": True},
    "inference_log": {
        "problem_type": "PROBLEM_TYPE_CLASSIFICATION",
        "timestamp_col": "timestamp",
        "granularities": ["5 minutes", "4 weeks"],
        "prediction_col": "prediction",
        "model_id_col": "model_id",
        "label_col": "label",
        "prediction_proba_col": "proba",
    },
    "notifications": {
        "on_failure": {"email_addresses": ["ops@example.com"]},
        "on_new_classification_tag_detected": {"email_addresses": ["dpo@example.com"]},
    },
    "schedule": {"quartz_cron_expression": "0 0 12 * * ?", "timezone_id": "Europe/Berlin", "pause_status": "PAUSED"},
    "slicing_exprs": ["country", "alcohol > 10"],
}


def monitor_of(draft: MonitorDraft) -> Monitor:
    """What becomes of a draft whose baseline is at version 3."""
    return Monitor(
        id="m",
        table=draft.table,
        output_schema=draft.output_schema,
        profile=draft.profile,
        slicing=draft.slicing,
        custom_metrics=draft.custom_metrics,
        baseline=None if draft.baseline_table is None else Baseline(draft.baseline_table, draft.baseline_version or 3),
        schedule=draft.schedule,
        notifications=draft.notifications,
        assets_dir=draft.assets_dir,
        facts=draft.facts,
        status=MonitorStatus.ACTIVE,
        message="",
        version=1,
        created_by="ann",
        created_at=AT,
    )


def test_the_older_api_gives_every_field_back_as_it_was_sent() -> None:
    info = monitor_info(monitor_of(read_older({**OLDER, "skip_builtin_dashboard": True, "warehouse_id": "w"}, TABLE)))
    assert OLDER.items() <= info.items()
    assert info["profile_metrics_table_name"] == "main.wine.requests_profile_metrics"
    assert (info["status"], info["monitor_version"]) == ("MONITOR_STATUS_ACTIVE", 1)


def test_the_newer_api_shows_the_same_monitor_in_its_own_words() -> None:
    config = monitor_json(monitor_of(read_older(OLDER, TABLE)), object_id="t", schema_id="s")["data_profiling_config"]
    assert config["inference_log"] == {
        "problem_type": "INFERENCE_PROBLEM_TYPE_CLASSIFICATION",
        "timestamp_column": "timestamp",
        "granularities": ["AGGREGATION_GRANULARITY_5_MINUTES", "AGGREGATION_GRANULARITY_4_WEEKS"],
        "prediction_column": "prediction",
        "model_id_column": "model_id",
        "label_column": "label",
    }
    assert config["schedule"]["pause_status"] == "CRON_SCHEDULE_PAUSE_STATUS_PAUSED"
    assert config["custom_metrics"][0]["type"] == "DATA_PROFILING_CUSTOM_METRIC_TYPE_AGGREGATE"
    assert (config["output_schema_id"], config["status"]) == ("s", "DATA_PROFILING_STATUS_ACTIVE")


def test_a_change_through_the_newer_api_keeps_what_it_has_no_words_for() -> None:
    before = monitor_of(read_older(OLDER, TABLE))
    config = monitor_json(before, object_id="t", schema_id="s")["data_profiling_config"]
    changed = masked(config, {"slicing_exprs": ["country"]}, "data_profiling_config.slicing_exprs")
    draft = read_monitor(changed, table=before.table, output_schema=before.output_schema, before=before)
    assert draft.slicing == ("country",)
    assert isinstance(draft.profile, InferenceLogProfile)
    assert draft.profile.probability_column == "proba"
    assert draft.facts["data_classification_config"] == {"enabled": True}
    assert (draft.baseline_version, draft.assets_dir) == (3, "/Workspace/monitors/wine")


def test_another_baseline_is_taken_at_its_newest_version() -> None:
    before = monitor_of(read_older(OLDER, TABLE))
    draft = read_older({**OLDER, "baseline_table_name": "main.wine.other"}, TABLE, before)
    assert (draft.baseline_table, draft.baseline_version) == ("main.wine.other", None)


def test_a_mask_reaches_into_objects_and_removes_what_is_not_said() -> None:
    config = {"schedule": {"quartz_cron_expression": "a", "timezone_id": "UTC"}, "slicing_exprs": ["x"]}
    said = {"schedule": {"quartz_cron_expression": "b"}}
    mask = "data_profiling_config.schedule.quartz_cron_expression, data_profiling_config.slicing_exprs"
    assert masked(config, said, mask) == {"schedule": {"quartz_cron_expression": "b", "timezone_id": "UTC"}}
    assert config["schedule"] == {"quartz_cron_expression": "a", "timezone_id": "UTC"}


def test_one_analysis_takes_the_place_of_another() -> None:
    assert masked({"time_series": {"a": 1}}, {"snapshot": {}}, "data_profiling_config.snapshot") == {"snapshot": {}}


@pytest.mark.parametrize("mask", ["", "object_id", "data_profiling_config.", "data_profiling_config..x"])
def test_a_mask_that_names_no_field_is_refused(mask: str) -> None:
    with pytest.raises(InvalidArgument, match="update_mask"):
        masked({}, {}, mask)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = {
        "output_schema_name": "wine",
        "latest_monitor_failure_msg": "no",
        "inference_log": {
            "problem_type": "PROBLEM_TYPE_CLUSTERING",
            "granularities": ["7 minutes"],
            "prediction_col": "prediction",
            "model_id_col": 5,
        },
        "custom_metrics": [{"name": "m", "type": "CUSTOM_METRIC_TYPE_DRIFT", "definition": "x"}],
        "slicing_exprs": "country",
        "schedule": {"quartz_cron_expression": "0 0 12 * * ?", "timezone_id": "UTC", "pause_status": "OFTEN"},
        "notifications": {"on_failure": {"email_addresses": [f"a{i}@x" for i in range(5)] + ["nobody"]}},
    }
    with pytest.raises(InvalidArgument) as refused:
        read_older(wrong, TABLE)
    for problem in (
        "output_schema_name: name 'wine'",
        "latest_monitor_failure_msg cannot be set",
        "inference_log.problem_type must be one of",
        "inference_log.timestamp_col is missing",
        "not '7 minutes'",
        "inference_log.model_id_col must be a text",
        "custom_metrics[0].input_columns must name",
        "custom_metrics[0].output_data_type is missing",
        "slicing_exprs must be a list",
        "schedule.pause_status must be one of",
        "at most 5 addresses, not 6",
        "'nobody' is no e-mail address",
    ):
        assert problem in refused.value.message


@pytest.mark.parametrize("given", [{}, {"snapshot": {}, "time_series": {}}], ids=["none", "two"])
def test_a_monitor_has_exactly_one_profile(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match="exactly one of inference_log, time_series, snapshot"):
        read_older({"output_schema_name": "main.wine", **given}, TABLE)


def test_a_change_that_names_no_profile_keeps_the_old_one() -> None:
    before = monitor_of(read_older({"output_schema_name": "main.wine", "snapshot": {}}, TABLE))
    assert read_older({"output_schema_name": "main.wine"}, TABLE, before).profile == SnapshotProfile()


@pytest.mark.parametrize("spoken", ["1 weeks", "1 week"])
def test_a_granularity_may_be_written_in_singular_or_plural(spoken: str) -> None:
    params = {
        "output_schema_name": "main.wine",
        "time_series": {"timestamp_col": "t", "granularities": [spoken, "1 week"]},
    }
    draft = read_older(params, TABLE)
    assert not isinstance(draft.profile, SnapshotProfile)
    assert draft.profile.granularities == (Granularity.WEEK,)


def test_a_refresh_says_its_state_and_cause_in_both_vocabularies() -> None:
    refresh = Refresh(7, "m", RefreshState.FAILED, Trigger.DATA_CHANGE, AT, ended_at=AT, message="no rows")
    assert refresh_info(refresh) == {
        "refresh_id": 7,
        "state": "FAILED",
        "trigger": "UNKNOWN_TRIGGER",
        "start_time_ms": 1772323200000,
        "end_time_ms": 1772323200000,
        "message": "no rows",
    }
    newer = data_quality_refresh(refresh, object_id="t")
    assert (newer["state"], newer["trigger"]) == ("MONITOR_REFRESH_STATE_FAILED", "MONITOR_REFRESH_TRIGGER_DATA_CHANGE")
