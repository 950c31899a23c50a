"""Whatever monitor there is, both dialects write it so that they read the same one."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.api.monitor_dialects import DATA_QUALITY, QUALITY_MONITORS, Dialect
from pierhead.monitoring.api.monitor_reading import read_draft
from pierhead.monitoring.api.monitor_writing import config_json
from pierhead.monitoring.domain.monitors import (
    Baseline,
    CustomMetric,
    CustomMetricType,
    InferenceLogProfile,
    Monitor,
    MonitorDraft,
    MonitorStatus,
    Notifications,
    ProblemType,
    Schedule,
    SnapshotProfile,
    TimeSeriesProfile,
)
from pierhead.monitoring.domain.windows import Granularity

texts = st.text(min_size=1, max_size=8).filter(str.strip)
granularities = st.lists(st.sampled_from(Granularity), min_size=1, unique=True).map(tuple)
profiles = st.one_of(
    st.builds(SnapshotProfile),
    st.builds(TimeSeriesProfile, texts, granularities),
    st.builds(
        InferenceLogProfile,
        st.sampled_from(ProblemType),
        texts,
        granularities,
        texts,
        texts,
        st.none() | texts,
        st.none() | texts,
    ),
)
metrics = st.builds(
    CustomMetric, texts, st.sampled_from(CustomMetricType), texts, st.lists(texts, min_size=1).map(tuple), texts
)
monitors = st.builds(
    Monitor,
    id=st.just("m"),
    table=st.just("main.a.t"),
    output_schema=st.just("main.a"),
    profile=profiles,
    slicing=st.lists(texts, max_size=3).map(tuple),
    custom_metrics=st.lists(metrics, max_size=2).map(tuple),
    baseline=st.none() | st.builds(Baseline, texts, st.integers(0, 99)),
    schedule=st.none() | st.builds(Schedule, texts, texts, st.booleans()),
    notifications=st.sampled_from([Notifications(), Notifications(("ops@example.com",))]),
    assets_dir=st.just("") | texts,
    facts=st.dictionaries(st.sampled_from(QUALITY_MONITORS.kept), st.just("x")),
    status=st.sampled_from(MonitorStatus),
    message=st.just(""),
    version=st.just(0),
    created_by=st.just("ann"),
    created_at=st.just(datetime(2026, 1, 1, tzinfo=UTC)),
)


@given(monitors, st.sampled_from([QUALITY_MONITORS, DATA_QUALITY]))
def test_what_is_written_of_a_monitor_is_read_as_the_same_monitor(monitor: Monitor, dialect: Dialect) -> None:
    said = config_json(monitor, dialect)
    draft = read_draft(said, dialect, table=monitor.table, output_schema=monitor.output_schema, before=monitor)
    assert draft == MonitorDraft(
        table=monitor.table,
        output_schema=monitor.output_schema,
        profile=monitor.profile,
        slicing=monitor.slicing,
        custom_metrics=monitor.custom_metrics,
        baseline_table=None if monitor.baseline is None else monitor.baseline.table,
        baseline_version=None if monitor.baseline is None else monitor.baseline.version,
        schedule=monitor.schedule,
        notifications=monitor.notifications,
        assets_dir=monitor.assets_dir,
        facts=monitor.facts,
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_ANALYSES = ["inference_log", "time_series", "snapshot"]
_LISTS = ["custom_metrics", "slicing_exprs"]
_REST = ["schedule", "notifications", "notification_settings", "baseline_table_name", "assets_dir", "warehouse_id"]
fields = st.sampled_from([*_ANALYSES, *_LISTS, *_REST])


@given(st.dictionaries(fields, json_values), st.sampled_from([QUALITY_MONITORS, DATA_QUALITY]))
def test_any_json_is_read_or_refused(said: dict[str, Any], dialect: Dialect) -> None:
    with contextlib.suppress(InvalidArgument):
        assert read_draft(said, dialect, table="main.a.t", output_schema="main.a").table == "main.a.t"
