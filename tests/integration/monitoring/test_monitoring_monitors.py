"""Monitors: what is refused, schedules, labels and baselines that come by themselves, metrics of owners."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from refresh_world import BASELINE, HOURLY, LOG, NOON, TABLE, RefreshWorld, log_rows

from harness.databases import LentDatabases
from pierhead.kit.db import Database
from pierhead.kit.errors import AlreadyExists, InvalidArgument, InvalidState, NotFound
from pierhead.monitoring.domain.monitors import (
    Baseline,
    CustomMetric,
    CustomMetricType,
    InferenceLogProfile,
    MonitorDraft,
    ProblemType,
    RefreshState,
    Schedule,
    Trigger,
)
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.ports import TrainedOn
from pierhead.monitoring.services.labels import Labels
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.request_columns import OWN

HOUR = timedelta(hours=1)
AGGREGATE, DERIVED, DRIFT = CustomMetricType.AGGREGATE, CustomMetricType.DERIVED, CustomMetricType.DRIFT
REQUESTS = "main.wine.quality_requests"


def metric(type: CustomMetricType, definition: str, *columns: str, name: str = "own") -> CustomMetric:
    return CustomMetric(name, type, definition, columns or ("x",), "double")


@pytest.fixture
def world(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[RefreshWorld]:
    with on_sqlite.lend() as database:
        made = RefreshWorld(tmp_path, database)
        made.write(log_rows(np.random.default_rng(3), NOON - 2 * HOUR, 80))
        made.write(log_rows(np.random.default_rng(4), NOON - HOUR, 60))
        yield made


def test_monitors_are_kept_changed_and_deleted(tmp_path: Path, database: Database) -> None:
    world = RefreshWorld(tmp_path, database)
    world.write(log_rows(np.random.default_rng(3), NOON - HOUR, 20))
    made = world.watch(LOG, slicing=("kind",), custom_metrics=(metric(AGGREGATE, "max({{input_column}})"),))

    assert world.monitor() == made
    with pytest.raises(AlreadyExists):
        world.watch(LOG)
    draft = MonitorDraft(TABLE, "main.watch", HOURLY)
    with database.transaction() as connection:
        changed = Monitors(connection, world.clock).update(TABLE, Definitions(world.folders, world.clock).check(draft))
    assert (changed.version, changed.profile, changed.slicing) == (1, HOURLY, ())
    with database.transaction() as connection:
        monitors = Monitors(connection, world.clock)
        monitors.delete(TABLE)
        assert monitors.find(TABLE) is None
        with pytest.raises(NotFound):
            monitors.list_refreshes(TABLE)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("nowhere > 1", "nowhere"),
        ("avg(x) > 1", "aggregate"),
        ("x > 1; DROP TABLE rows_of_table", "one expression|syntax"),
        ("x >", "syntax"),
        ("kind = (SELECT content FROM read_text('/etc/passwd'))", "subqueries"),
        ("repeat('x', 2000000000) > kind", r"repeat\(\) is not allowed"),
        ("random() > 0.5", r"random\(\) is not allowed"),
    ],
)
def test_a_slicing_expression_that_cannot_work_is_refused(world: RefreshWorld, expression: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=f"(?i){reason}") as refusal:
        world.watch(LOG, slicing=(expression,))
    assert "slicing expression" in refusal.value.message


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (metric(AGGREGATE, "avg({{input_column}})", "nowhere"), "no columns nowhere"),
        (metric(AGGREGATE, "avg({{nothing}})"), "nothing"),
        (metric(AGGREGATE, "{{ ''.__class__.__mro__ }}"), "rendered: it may not have Getattr"),
        (metric(AGGREGATE, "{{ 'x' * 10**10 }}"), "rendered: it may not have Mul"),
        (metric(AGGREGATE, "sum(length(repeat('x', 2000000000)))"), r"'own': repeat\(\) is not allowed"),
        (metric(AGGREGATE, "count(*) FROM read_csv('/etc/passwd') --"), "."),
        (metric(AGGREGATE, "x"), "GROUP BY"),
        (metric(DERIVED, "nowhere + 1"), "nowhere"),
        (metric(DRIFT, "{{current_df}}.nowhere"), "nowhere"),
        (metric(AGGREGATE, "1", name="avg"), "such a column already"),
        (CustomMetric("own", AGGREGATE, "avg(x)", ("x",), "matrix"), "output_data_type"),
    ],
)
def test_a_custom_metric_that_cannot_work_is_refused(world: RefreshWorld, own: CustomMetric, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        world.watch(LOG, custom_metrics=(own,))


def test_everything_that_is_wrong_is_said_at_once(world: RefreshWorld) -> None:
    wrong = replace(LOG, timestamp_column="when", prediction_column="guess")
    with pytest.raises(InvalidArgument) as refusal:
        world.watch(wrong, slicing=("nobody", "kind"), custom_metrics=(metric(AGGREGATE, "x +", name="half"),))
    assert all(word in refusal.value.message for word in ("'when'", "'guess'", "'nobody'", "'half'"))
    assert "'kind'" not in refusal.value.message


def test_names_in_backticks_are_taken_as_databricks_writes_them(world: RefreshWorld) -> None:
    own = (metric(AGGREGATE, "avg(`{{input_column}}` * `x`)", name="square"),)
    world.watch(LOG, slicing=("`kind` = 'red'",), custom_metrics=own)
    world.refresh()

    assert set(world.profile(slice_key="`kind` = 'red'")["slice_value"]) == {"true", "false"}
    assert world.profile(column_name="x")["square"].notna().all()


def test_custom_metrics_become_columns(world: RefreshWorld) -> None:
    own = (
        metric(AGGREGATE, "avg({{input_column}} * {{input_column}})", "x", "score", name="square"),
        metric(AGGREGATE, "count_if({{prediction_col}} = {{label_col}})", ":table", name="right_ones"),
        metric(DERIVED, "sqrt(square)", name="root"),
        metric(DRIFT, "{{current_df}}.root - {{base_df}}.root", name="moved"),
    )
    world.watch(LOG, custom_metrics=own, baseline_table=None)
    world.refresh()

    rows = world.profile(column_name="x").set_index("start")
    assert rows["root"].to_list() == pytest.approx(np.sqrt(rows["square"]).to_list())
    moved = world.drift(column_name="x")["moved"].to_list()
    assert moved == pytest.approx([rows["root"].iloc[1] - rows["root"].iloc[0]])
    assert world.profile(column_name=":table")["right_ones"].notna().all()
    assert world.profile(column_name="kind")["square"].isna().all()


def test_a_schedule_asks_for_refreshes_and_a_paused_one_does_not(world: RefreshWorld) -> None:
    world.watch(HOURLY, schedule=Schedule("0 */5 * * * ?", "UTC"))
    assert world.loop.tick()
    assert not world.loop.tick()

    world.clock.advance(301)
    assert world.loop.tick()

    assert (world.last().trigger, world.last().state) == (Trigger.SCHEDULE, RefreshState.SUCCESS)
    assert not world.loop.tick()


def test_a_refresh_that_waits_can_be_canceled_and_one_that_is_over_cannot(world: RefreshWorld) -> None:
    world.watch(HOURLY)
    with world.database.transaction() as connection:
        monitors = Monitors(connection, world.clock)
        waiting = monitors.ask_refresh(TABLE)
        assert monitors.cancel_refresh(TABLE, waiting.id).state is RefreshState.CANCELED
        with pytest.raises(InvalidState):
            monitors.cancel_refresh(TABLE, waiting.id)
    assert not world.loop.tick()
    assert not world.path("main.watch.log_profile_metrics").exists()


def test_models_are_compared_with_the_data_that_they_were_trained_on(world: RefreshWorld) -> None:
    for version, shift in ((1, 0.0), (2, 4.0)):
        name = f"{BASELINE}_{version}"
        world.write(log_rows(np.random.default_rng(version), NOON, 500, shift=shift), name)
        trained = TrainedOn(Baseline(name, 0), world.path(name))
        world.folders.trained = {**world.folders.trained, ("main.wine.quality", str(version)): [trained]}
    world.write(log_rows(np.random.default_rng(8), NOON - HOUR, 90, model="main.wine.quality/2"))
    world.watch(LOG)
    world.refresh()

    def drifted(model: str) -> list[tuple[str, bool]]:
        rows = world.drift(column_name="x", drift_type="BASELINE", model=model, start=NOON - HOUR)
        return list(zip(rows["baseline_table"], rows["drifted"], strict=True))

    assert drifted("main.wine.quality/1") == [(f"{BASELINE}_1", False)]
    assert drifted("main.wine.quality/2") == [(f"{BASELINE}_2", True)]
    # The two together have no one baseline; in the hour before, when there was one, they have.
    assert drifted("*") == []
    assert len(world.drift(column_name="x", drift_type="BASELINE", start=NOON - 2 * HOUR)) == 1


def test_late_labels_of_an_endpoint_reopen_exactly_their_windows(world: RefreshWorld, tmp_path: Path) -> None:
    for hours in (4, 3, 2):
        write_deltalake(world.path(REQUESTS), request_rows(NOON - hours * HOUR, f"h{hours}"), mode="append")
    profile = InferenceLogProfile(
        ProblemType.CLASSIFICATION,
        "timestamp",
        (Granularity.HOUR,),
        "prediction",
        "model_id",
        "label",
        "prediction_proba",
    )
    world.watch_table(REQUESTS, profile)
    assert world.loop.tick()
    labels = Labels(tmp_path, "main.wine.quality_payload")
    sent = pa.table({"request_id": [f"h3-{place}" for place in range(10)], "label": ["1"] * 10})
    labels.add(sent, batch_id="b1", source="test", now=NOON)

    world.ask(REQUESTS)
    assert world.loop.tick()

    found = world.read("main.watch.quality_requests_profile_metrics", column_name=":table", model_id="*")
    assert found.set_index("start")["labelled_count"].to_dict() == {
        NOON - 4 * HOUR: 0,
        NOON - 3 * HOUR: 10,
        NOON - 2 * HOUR: 0,
    }
    again = found.groupby("refresh_id")["start"].agg(list).to_dict()
    assert list(again.values()) == [[NOON - 4 * HOUR, NOON - 2 * HOUR], [NOON - 3 * HOUR]]
    assert found["accuracy_score"].dropna().to_list() == [0.5]
    assert found["count"].to_list() == [20, 20, 20]
    columns = world.read("main.watch.quality_requests_profile_metrics", model_id="*")["column_name"]
    assert set(columns) == {":table", "age", "prediction", "prediction_proba", "label"}


def request_rows(start: datetime, prefix: str) -> pa.Table:
    """Twenty predictions of one hour and a shadow's; every second one predicts class 1."""
    places = list(range(21))
    rows: dict[str, object] = {name: pa.nulls(21, OWN.field(name).type) for name in OWN.names}
    rows |= {
        "databricks_request_id": [f"{prefix}-{place}" for place in places],
        "row_index": pa.array([0] * 21, pa.int32()),
        "timestamp": pa.array([start + timedelta(minutes=place) for place in places], OWN.field("timestamp").type),
        "model_id": ["main.wine.quality/1"] * 21,
        "model_name": ["main.wine.quality"] * 21,
        "model_version": ["1"] * 21,
        "route": ["primary"] * 20 + ["shadow"],
        "prediction_proba": [[0.4, 0.6]] * 21,
        "age": [float(place) for place in places],
        "prediction": pa.array([place % 2 for place in places], pa.int64()),
    }
    return pa.table(rows)
