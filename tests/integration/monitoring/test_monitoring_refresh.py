"""Refreshes of monitors on real Delta tables, against values computed beside them with pandas and scipy."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from refresh_world import BASELINE, HOURLY, LOG, NOON, TABLE, RefreshWorld, log_rows
from scipy import stats

from harness.databases import LentDatabases
from pierhead.catalog.services.pins import Pins
from pierhead.kit.db import Database
from pierhead.monitoring.domain.monitors import (
    CustomMetric,
    CustomMetricType,
    MonitorStatus,
    ProblemType,
    RefreshState,
    SnapshotProfile,
    TimeSeriesProfile,
)
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.services.metric_columns import DRIFT_FIRST, PROFILE_FIRST
from pierhead.monitoring.services.request_columns import OWN

HOUR = timedelta(hours=1)


@pytest.fixture
def lite(on_sqlite: LentDatabases) -> Iterator[Database]:
    with on_sqlite.lend() as database:
        yield database


@pytest.fixture
def world(tmp_path: Path, lite: Database) -> RefreshWorld:
    return RefreshWorld(tmp_path, lite)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(11)


def test_a_monitor_is_refreshed_on_either_database(tmp_path: Path, database: Database) -> None:
    world = RefreshWorld(tmp_path, database)
    world.write(log_rows(np.random.default_rng(1), NOON - HOUR, 100))
    made = world.watch(HOURLY)

    assert world.loop.tick()

    assert made.status is MonitorStatus.PENDING
    assert world.monitor().status is MonitorStatus.ACTIVE
    assert (world.last().state, world.last().to_versions) == (RefreshState.SUCCESS, {"table": 0})
    assert not world.loop.tick()


def test_the_metric_tables_begin_with_databricks_columns(world: RefreshWorld, generator: np.random.Generator) -> None:
    world.write(log_rows(generator, NOON - 2 * HOUR, 50))
    world.write(log_rows(generator, NOON - HOUR, 50))
    world.watch(LOG)
    world.loop.tick()

    for name, first in (("profile", PROFILE_FIRST), ("drift", DRIFT_FIRST)):
        table = DeltaTable(world.path(f"main.watch.log_{name}_metrics"))
        assert pa.schema(table.schema().to_arrow()).names[: len(first)] == first.names
        assert table.to_pyarrow_table().select(first.names).schema.types == first.types


def test_a_profile_holds_what_pandas_computes(world: RefreshWorld, generator: np.random.Generator) -> None:
    rows = log_rows(generator, NOON - HOUR, 400)
    world.write(rows)
    world.watch(LOG, slicing=("kind", "x > 1"))
    world.loop.tick()
    frame = rows.to_pandas()

    (x,) = world.profile(column_name="x").to_dict("records")
    known = frame["x"].dropna()
    assert (x["count"], x["num_nulls"], x["n"], x["data_type"]) == (400, 400 - len(known), len(known), "double")
    assert x["avg"] == pytest.approx(known.mean(), abs=1e-12)
    assert x["stddev"] == pytest.approx(known.std(), abs=1e-12)
    assert (x["min"], x["max"], x["distinct_count"]) == (known.min(), known.max(), known.nunique())
    assert x["median"] == np.quantile(known, 0.5, method="inverted_cdf")
    assert x["percent_null"] == pytest.approx(100 * frame["x"].isna().mean())
    (kind,) = world.profile(column_name="kind").to_dict("records")
    counts = frame["kind"].value_counts()
    assert {each["item"]: each["count"] for each in kind["frequent_items"]} == counts.to_dict()
    assert kind["avg_length"] == pytest.approx(frame["kind"].str.len().mean())
    sliced = world.profile(slice_key="kind", column_name="x").set_index("slice_value")["avg"]
    expected = frame.groupby("kind")["x"].mean()
    assert sliced.to_dict() == pytest.approx(expected.to_dict())
    chosen = world.profile(slice_key="x > 1", column_name=":table").set_index("slice_value")["count"]
    assert chosen.to_dict() == {"true": (known > 1).sum(), "false": (known <= 1).sum()}


def test_quality_holds_what_its_definitions_give(world: RefreshWorld, generator: np.random.Generator) -> None:
    rows = log_rows(generator, NOON - HOUR, 300)
    world.write(rows)
    world.watch(LOG)
    world.loop.tick()
    frame = rows.to_pandas()

    (table,) = world.profile(column_name=":table").to_dict("records")
    right = frame["prediction"] == frame["label"]
    assert (table["labelled_count"], table["label_coverage"]) == (300, 1.0)
    assert table["accuracy_score"] == pytest.approx(right.mean())
    matrix = {(each["label"], each["prediction"]): each["count"] for each in table["confusion_matrix"]}
    assert matrix == {
        (str(label), str(guess)): n for (label, guess), n in frame.groupby(["label", "prediction"]).size().items()
    }
    positives, negatives = frame.score[frame.label == 1], frame.score[frame.label == 0]
    area = stats.mannwhitneyu(positives, negatives).statistic / (len(positives) * len(negatives))
    assert table["roc_auc_score"]["one_vs_one"]["weighted"] == pytest.approx(area)
    loss = -np.log(np.where(frame["label"] == 1, frame["score"], 1 - frame["score"])).mean()
    assert table["log_loss"] == pytest.approx(loss)
    precision = right[frame["prediction"] == 1].mean()
    assert dict(table["precision"]["one_vs_all"])["1"] == pytest.approx(precision)


def test_quality_of_a_regression_holds_what_its_definitions_give(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    rows = log_rows(generator, NOON - HOUR, 200)
    label = rows["score"].to_numpy() + generator.normal(0.0, 0.1, 200)
    world.write(rows.drop_columns(["label", "prediction"]).append_column("label", pa.array(label)))
    numbers = replace(LOG, problem_type=ProblemType.REGRESSION, prediction_column="score", probability_column=None)
    world.watch(numbers)
    world.loop.tick()
    errors = rows["score"].to_numpy() - label

    (table,) = world.profile(column_name=":table").to_dict("records")
    assert table["mean_squared_error"] == pytest.approx((errors**2).mean())
    assert table["root_mean_squared_error"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert table["mean_average_error"] == pytest.approx(np.abs(errors).mean())
    assert table["mean_absolute_percentage_error"] == pytest.approx(np.abs(errors / label).mean())
    assert table["r2_score"] == pytest.approx(1 - (errors**2).sum() / ((label - label.mean()) ** 2).sum())
    known = {each["metric"]: (each["low"], each["high"]) for each in table["quality_intervals"]}
    half = 1.959964 * np.abs(errors).std(ddof=1) / np.sqrt(200)
    assert known["mean_average_error"] == pytest.approx(
        (np.abs(errors).mean() - half, np.abs(errors).mean() + half), abs=1e-6
    )


def test_an_estimate_needs_no_labels_and_decides_nothing(world: RefreshWorld, generator: np.random.Generator) -> None:
    rows = log_rows(generator, NOON - HOUR, 2000)
    world.write(log_rows(generator, NOON, 4000), BASELINE)
    world.write(rows.set_column(rows.schema.get_field_index("label"), "label", pa.nulls(2000, pa.int64())))
    world.watch(LOG, baseline_table=BASELINE)
    world.loop.tick()

    (table,) = world.profile(column_name=":table").to_dict("records")
    right = (rows["prediction"].to_numpy() == rows["label"].to_numpy()).mean()
    assert table["estimated_accuracy_score"] == pytest.approx(right, abs=0.03)
    assert (table["estimated_n"], table["labelled_count"]) == (2000, 0)
    assert np.isnan(table["accuracy_score"])


def test_drift_holds_what_scipy_computes(world: RefreshWorld, generator: np.random.Generator) -> None:
    earlier, later = log_rows(generator, NOON - 2 * HOUR, 300), log_rows(generator, NOON - HOUR, 400, shift=0.4)
    world.write(earlier)
    world.write(later)
    world.watch(LOG)
    world.loop.tick()
    old, new = earlier.to_pandas(), later.to_pandas()

    (x,) = world.drift(column_name="x").to_dict("records")
    assert (x["drift_type"], x["start"]) == ("CONSECUTIVE", NOON - HOUR)
    assert x["window_cmp"]["start"] == NOON - 2 * HOUR
    expected = stats.ks_2samp(old["x"].dropna(), new["x"].dropna())
    assert x["ks_test"]["statistic"] == pytest.approx(expected.statistic, abs=1e-12)
    assert x["wasserstein_distance"] == pytest.approx(
        stats.wasserstein_distance(old["x"].dropna(), new["x"].dropna()), abs=1e-12
    )
    assert x["population_stability_index"] == pytest.approx(_psi(old["x"].dropna(), new["x"].dropna()))
    assert x["avg_delta"] == pytest.approx(new["x"].mean() - old["x"].mean())
    assert x["js_distance"] is None or np.isnan(x["js_distance"])
    (kind,) = world.drift(column_name="kind").to_dict("records")
    counts = pd.DataFrame({"old": old["kind"].value_counts(), "new": new["kind"].value_counts()})
    test = stats.chi2_contingency(counts.to_numpy().T, correction=False)
    assert kind["chi_squared_test"]["statistic"] == pytest.approx(test.statistic)
    assert kind["chi_squared_test"]["pvalue"] == pytest.approx(test.pvalue)
    shares = counts / counts.sum()
    assert kind["l_infinity_distance"] == pytest.approx((shares["old"] - shares["new"]).abs().max())
    assert kind["tv_distance"] == pytest.approx((shares["old"] - shares["new"]).abs().sum() / 2)


def test_a_shift_is_drift_and_stable_data_is_none(world: RefreshWorld, generator: np.random.Generator) -> None:
    world.write(log_rows(generator, NOON, 5000), BASELINE)
    for hours in range(6, 1, -1):
        world.write(log_rows(generator, NOON - hours * HOUR, 500))
    world.write(log_rows(generator, NOON - HOUR, 500, shift=0.8))
    world.watch(LOG, baseline_table=BASELINE)
    world.loop.tick()

    drift = world.drift(drift_type="BASELINE")
    stable, shifted = drift[drift["start"] < NOON - HOUR], drift[drift["start"] == NOON - HOUR]
    assert not stable["drifted"].any()
    assert set(shifted[shifted["drifted"]]["column_name"]) >= {"x", "score", "prediction"}
    assert "kind" not in set(shifted[shifted["drifted"]]["column_name"])
    assert (shifted[shifted["drifted"]]["p_adjusted"] < 0.001).all()


def test_labels_that_are_not_there_yet_are_no_drift(world: RefreshWorld, generator: np.random.Generator) -> None:
    world.write(log_rows(generator, NOON, 1000), BASELINE)
    world.write(log_rows(generator, NOON - 2 * HOUR, 500))
    early = log_rows(generator, NOON - HOUR, 500)
    for name in ("label", "kind"):
        place = early.schema.get_field_index(name)
        early = early.set_column(place, name, pa.nulls(500, early.schema.field(place).type))
    world.write(early)
    world.watch(LOG, baseline_table=BASELINE)
    world.loop.tick()

    drifted = world.drift(start=NOON - HOUR, drifted=True)
    assert set(zip(drifted["column_name"], drifted["drift_type"], strict=True)) == {
        ("kind", "BASELINE"),
        ("kind", "CONSECUTIVE"),
    }


def test_a_baseline_is_read_at_its_version_although_its_table_moved_on(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON, 1000), BASELINE)
    world.write(log_rows(generator, NOON - HOUR, 500))
    monitor = world.watch(LOG, baseline_table=BASELINE)
    world.write(log_rows(generator, NOON, 1000, shift=5.0), BASELINE, mode="overwrite")
    world.loop.tick()

    assert monitor.baseline is not None
    assert monitor.baseline.version == 0
    assert not world.drift(drift_type="BASELINE")["drifted"].any()
    with world.database.reading() as connection:
        assert Pins(connection, world.clock).versions_of(world.path(BASELINE)) == {0}


def test_new_rows_change_only_their_windows(world: RefreshWorld, generator: np.random.Generator) -> None:
    for hours in (5, 4, 3, 2):
        world.write(log_rows(generator, NOON - hours * HOUR, 60))
    world.watch(LOG)
    first = world.refresh().id
    kept = world.profile(column_name="x").set_index("start")

    world.write(log_rows(generator, NOON - 4 * HOUR, 10))
    second = world.refresh().id

    refreshed = world.profile(column_name="x").set_index("start")["refresh_id"].to_dict()
    assert refreshed == {NOON - hours * HOUR: second if hours == 4 else first for hours in (5, 4, 3, 2)}
    counts = world.profile(column_name=":table").set_index("start")["count"].to_dict()
    assert counts == {NOON - hours * HOUR: 70 if hours == 4 else 60 for hours in (5, 4, 3, 2)}
    assert (
        world.profile(column_name="x")
        .set_index("start")["avg"]
        .drop(NOON - 4 * HOUR)
        .equals(kept["avg"].drop(NOON - 4 * HOUR))
    )
    # The hour after it is compared with it, and so are two rows new.
    compared = world.drift(column_name="x").set_index("start")["refresh_id"].to_dict()
    assert compared == {NOON - 4 * HOUR: second, NOON - 3 * HOUR: second, NOON - 2 * HOUR: first}


def test_rows_that_were_only_rewritten_change_nothing(world: RefreshWorld, generator: np.random.Generator) -> None:
    for hours in (3, 2):
        world.write(log_rows(generator, NOON - hours * HOUR, 60))
    world.watch(LOG)
    first = world.refresh().id
    DeltaTable(world.path(TABLE)).optimize.compact()

    assert world.refresh().to_versions == {"table": 2}

    assert set(world.profile()["refresh_id"]) == {first}


def test_an_updated_label_reopens_exactly_its_window(world: RefreshWorld, generator: np.random.Generator) -> None:
    rows = pa.concat_tables([log_rows(generator, NOON - hours * HOUR, 60) for hours in (4, 3, 2)])
    world.write(rows.set_column(rows.schema.get_field_index("label"), "label", pa.nulls(180, pa.int64())))
    world.watch(LOG)
    first = world.refresh().id
    moment = rows["ts"][70].as_py()

    DeltaTable(world.path(TABLE)).update({"label": "1"}, predicate=f"ts = '{moment.isoformat()}'")
    second = world.refresh().id

    table = world.profile(column_name=":table").set_index("start")
    assert table["refresh_id"].to_dict() == {
        NOON - 4 * HOUR: first,
        NOON - 3 * HOUR: second,
        NOON - 2 * HOUR: first,
    }
    assert table["labelled_count"].to_list() == [0, 1, 0]


def test_a_refresh_after_versions_are_gone_computes_everything_anew(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - 2 * HOUR, 60))
    world.watch(LOG)
    world.refresh()
    world.write(log_rows(generator, NOON - HOUR, 60), mode="overwrite")
    DeltaTable(world.path(TABLE)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True)

    assert world.refresh().state is RefreshState.SUCCESS

    assert set(world.profile()["start"]) == {NOON - HOUR}


def test_a_window_that_lost_its_rows_loses_its_metrics(world: RefreshWorld, generator: np.random.Generator) -> None:
    for hours in (3, 2):
        world.write(log_rows(generator, NOON - hours * HOUR, 60))
    world.watch(LOG)
    world.refresh()
    DeltaTable(world.path(TABLE)).delete(f"ts < '{(NOON - 2 * HOUR).isoformat()}'")
    world.refresh()

    assert set(world.profile()["start"]) == {NOON - 2 * HOUR}
    assert world.drift().empty


def test_metrics_stay_when_rows_of_a_requests_table_are_too_old_to_be_kept(world: RefreshWorld) -> None:
    name = "main.wine.quality_requests"
    for hours in (3, 2, 1):
        world.write(_asked(NOON - hours * HOUR, 60), name)
    world.watch_table(name, TimeSeriesProfile("timestamp", (Granularity.HOUR, Granularity.DAY)))
    assert world.loop.tick()

    def n() -> dict[str, list[int]]:
        rows = world.read("main.watch.quality_requests_profile_metrics", log_type="INPUT", column_name="x")
        return {granularity: list(some["n"]) for granularity, some in rows.groupby("granularity")}

    assert n() == {"1 hour": [60, 60, 60], "1 day": [180]}
    DeltaTable(world.path(name)).delete(f"timestamp < '{(NOON - 2 * HOUR).isoformat()}'")
    world.ask(name)
    assert world.loop.tick()
    assert n() == {"1 hour": [60, 60, 60], "1 day": [180]}
    DeltaTable(world.path(name)).delete()
    world.ask(name)
    assert world.loop.tick()
    assert n() == {"1 hour": [60, 60, 60], "1 day": [180]}


def _asked(start: datetime, n: int) -> pa.Table:
    own = {
        "databricks_request_id": [f"{start:%H}-{place}" for place in range(n)],
        "row_index": [0] * n,
        "timestamp": [start + timedelta(seconds=place) for place in range(n)],
        "route": ["primary"] * n,
    }
    columns = [pa.array(own.get(field.name, [None] * n), field.type) for field in OWN]
    table = pa.table(columns, schema=OWN)
    return table.append_column("x", pa.array(range(n))).append_column("prediction", pa.array([0.5] * n))


def test_the_first_refresh_looks_thirty_days_back(world: RefreshWorld, generator: np.random.Generator) -> None:
    for days in (31, 29):
        world.write(log_rows(generator, NOON - timedelta(days=days), 60))
    world.watch(HOURLY)
    world.refresh()

    assert set(world.profile()["start"]) == {NOON - timedelta(days=29)}


def test_a_snapshot_is_compared_with_the_one_before_it(world: RefreshWorld, generator: np.random.Generator) -> None:
    world.write(log_rows(generator, NOON - HOUR, 300))
    world.watch(SnapshotProfile())
    world.refresh()
    assert not world.path("main.watch.log_drift_metrics").is_dir() or world.drift().empty
    world.write(log_rows(generator, NOON - HOUR, 300, shift=3.0), mode="overwrite")

    second = world.refresh()

    (x,) = world.drift(column_name="x").to_dict("records")
    assert (x["drift_type"], x["start"], x["drifted"]) == ("CONSECUTIVE", second.asked_at, True)
    assert len(world.profile(column_name="x")) == 2


def test_a_table_registered_by_path_is_monitored(
    world: RefreshWorld, generator: np.random.Generator, tmp_path: Path
) -> None:
    elsewhere = "elsewhere.some.table"
    world.write(log_rows(generator, NOON - HOUR, 60), elsewhere)
    world.folders.by_path[TABLE] = tmp_path / "elsewhere" / "some" / "table"
    world.watch(HOURLY)

    assert world.refresh().state is RefreshState.SUCCESS
    assert world.profile(column_name=":table")["count"].to_list() == [60]


def test_columns_may_have_the_names_that_the_computation_uses_itself(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    names = ("n", "cell", "start", "slice", "t", "value", "score_of_model", "label", "gone", "r", "c")
    hours = [log_rows(generator, NOON - hours * HOUR, 60) for hours in (2, 1)]
    for rows in hours:
        for place, name in enumerate(names):
            numbers = pa.array(generator.normal(size=60) if place % 2 else generator.choice(["a", "b"], 60))
            rows = rows.drop_columns([name]) if name in rows.column_names else rows
            rows = rows.append_column(name, numbers)
        world.write(rows.rename_columns({"model": "which", "kind": "model"}))
    own = CustomMetric("own", CustomMetricType.AGGREGATE, "max({{input_column}})", ("cell",), "double")
    log = replace(LOG, label_column=None, model_id_column="which")
    world.watch(log, slicing=("model", "start", "slice"), custom_metrics=(own,))
    world.refresh()
    world.write(DeltaTable(world.path(TABLE)).to_pyarrow_table().slice(0, 10))

    last = world.refresh()

    assert (last.state, last.message) == (RefreshState.SUCCESS, "")
    profile = world.profile(which="*", column_name="cell")
    assert profile["own"].to_list() == profile["max"].to_list()
    found = set(world.profile(which="*", column_name=":table", slice_key="model")["slice_value"])
    assert found == {"red", "white", "rose"}


def test_columns_of_every_type_are_profiled(world: RefreshWorld) -> None:
    world.write(
        pa.table(
            {
                "day": pa.array([NOON.date()] * 4, pa.date32()),
                "number": pa.array([np.inf, np.inf, np.nan, None]),
                "nothing": pa.array([None] * 4, pa.float64()),
                "large": pa.array([2**62, 2**62 - 1, 0, 0]),
                "money": pa.array([Decimal("1.25"), Decimal("0.00"), None, Decimal("9.99")], pa.decimal128(12, 2)),
                "text": ["", "it's", 'a "quote"', "a `tick`"],
                "bytes": [b"\x00\xff"] * 4,
                "list": [[1.0], [], None, [2.0]],
                "struct": [{"a": 1}] * 4,
                "map": pa.array([[("k", 1.0)]] * 4, pa.map_(pa.string(), pa.float64())),
                'a "strange" `name`': [True, False, None, True],
            }
        )
    )
    world.watch(TimeSeriesProfile("day", (Granularity.DAY, Granularity.MONTH)), slicing=("text", "list[1] > 1"))

    assert world.refresh().message == ""

    rows = world.profile(granularity="1 month").set_index("column_name")
    assert rows.loc["number", ["distinct_count", "num_nan", "num_nulls"]].to_list() == [1, 1, 1]
    assert rows.loc["large", "max"] == 2**62
    assert rows.loc["money", "avg"] == pytest.approx(11.24 / 3)
    assert rows.loc['a "strange" `name`', "distinct_count"] == 2
    assert rows.loc["map", "data_type"] == "map<string,double>"


def _psi(reference: pd.Series, current: pd.Series) -> float:
    edges = [-np.inf, *np.quantile(reference, np.arange(1, 10) / 10, method="inverted_cdf"), np.inf]
    p, q = (pd.cut(side, edges).value_counts(sort=False, normalize=True).to_numpy() for side in (reference, current))
    p, q = np.maximum(p, 1e-4), np.maximum(q, 1e-4)
    return float(np.sum((p - q) * np.log(p / q)))
