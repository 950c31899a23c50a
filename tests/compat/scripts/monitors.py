"""Monitors through both official APIs: `monitors.py FOLDER`. Everything is in the schema main.monitored."""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service import dataquality as dq
from databricks.sdk.service.catalog import (
    DataSourceFormat,
    MonitorCronSchedule,
    MonitorDataClassificationConfig,
    MonitorDestination,
    MonitorInferenceLog,
    MonitorInferenceLogProblemType,
    MonitorMetric,
    MonitorMetricType,
    MonitorNotifications,
    MonitorRefreshInfoState,
    MonitorSnapshot,
    MonitorTimeSeries,
    TableType,
)
from deltalake import DeltaTable, write_deltalake

folder = Path(sys.argv[1])
w = WorkspaceClient()
seen: dict[str, object] = {}
DRIFTS, STAYS, DAYS, ROWS = "amount", "age", 2, 1000
SCHEMA = "main.monitored"


def rows(days, seed):
    """Loans, of which only amounts of the last day are others than before."""
    random = np.random.default_rng(seed)
    n = days * ROWS
    day = np.repeat(np.arange(days), ROWS)
    label = random.integers(0, 2, n)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return pa.table(
        {
            "at": pa.array(
                [today - timedelta(days=int(days - d), hours=-12) for d in day], pa.timestamp("us", tz="UTC")
            ),
            "model_version": np.where(np.arange(n) % 2, "1", "2"),
            DRIFTS: random.normal(100, 10, n) + np.where((days > 1) & (day == days - 1), 25, 0),
            STAYS: random.integers(18, 80, n),
            "country": np.array(["DE", "FR", "US"])[random.integers(0, 3, n)],
            "prediction": np.where(random.random(n) < 0.9, label, 1 - label),
            "label": label,
            "critical": random.random(n) < 0.5,
        }
    )


def register(name, table):
    write_deltalake(folder / name, table)
    w.tables.create(name, "main", "monitored", TableType.EXTERNAL, DataSourceFormat.DELTA, (folder / name).as_uri())
    return f"{SCHEMA}.{name}"


def wait(look):
    deadline = time.monotonic() + 60
    while (found := look()).state.value.rpartition("_")[2] in ("PENDING", "RUNNING"):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def refresh(name):
    asked = w.quality_monitors.run_refresh(name)
    return wait(lambda: w.quality_monitors.get_refresh(name, asked.refresh_id))


def refused(act):
    try:
        act()
    except DatabricksError as error:
        return [type(error).__name__, error.error_code, str(error)]
    return None


w.schemas.create("monitored", "main")
loans, training = register("loans", rows(DAYS, 1)), register("training", rows(1, 2))


def metric(kind, name, columns, definition):
    """As the documentation of data profiling has them; the type is Spark's JSON of a field."""
    output = '{"metadata":{},"name":"output","nullable":true,"type":"double"}'
    return MonitorMetric(name, definition, columns, output, MonitorMetricType[f"CUSTOM_METRIC_TYPE_{kind}"])


METRICS = [
    metric("AGGREGATE", "squared_avg", [DRIFTS, STAYS], "avg(`{{input_column}}`*`{{input_column}}`)"),
    metric("AGGREGATE", "avg_difference", [":table"], f"avg({DRIFTS} - {STAYS})"),
    metric(
        "AGGREGATE",
        "weighted_error",
        [":table"],
        """avg(CASE WHEN {{prediction_col}} = {{label_col}} THEN 0
            WHEN {{prediction_col}} != {{label_col}} AND critical=TRUE THEN 2 ELSE 1 END)""",
    ),
    metric("DERIVED", "root_mean_square", [DRIFTS, STAYS], "sqrt(squared_avg)"),
    metric("DRIFT", "error_delta", [":table"], "{{current_df}}.weighted_error - {{base_df}}.weighted_error"),
]

# --- the older API, with every field that it has
asked = {
    "output_schema_name": SCHEMA,
    "assets_dir": "/Workspace/Users/ann/monitors",
    "baseline_table_name": training,
    "custom_metrics": METRICS,
    "data_classification_config": MonitorDataClassificationConfig(enabled=True),
    "inference_log": MonitorInferenceLog(
        problem_type=MonitorInferenceLogProblemType.PROBLEM_TYPE_CLASSIFICATION,
        timestamp_col="at",
        granularities=["1 day"],
        prediction_col="prediction",
        model_id_col="model_version",
        label_col="label",
    ),
    "notifications": MonitorNotifications(on_failure=MonitorDestination(email_addresses=["ops@example.com"])),
    "schedule": MonitorCronSchedule(quartz_cron_expression="0 0 12 * * ?", timezone_id="Europe/Berlin"),
    "slicing_exprs": ["country", "age > 50"],
}
created = w.quality_monitors.create(table_name=loans, skip_builtin_dashboard=True, warehouse_id="w", **asked)
got = w.quality_monitors.get(loans).as_dict()
sent = {
    name: [each.as_dict() for each in value] if name == "custom_metrics" else value for name, value in asked.items()
}
sent = {name: value.as_dict() if hasattr(value, "as_dict") else value for name, value in sent.items()}
sent["schedule"]["pause_status"] = "UNPAUSED"
seen["differences"] = {name: got.get(name) for name, value in sent.items() if got.get(name) != value}
seen["created"] = [created.table_name, created.status.value, created.profile_metrics_table_name]
done = refresh(loans)
seen["refreshed"] = [done.state.value, done.trigger.value, bool(done.end_time_ms), done.message]
seen["status"] = w.quality_monitors.get(loans).status.value
seen["listed"] = [each.refresh_id == done.refresh_id for each in w.quality_monitors.list_refreshes(loans).refreshes]

# --- the tables, read as anybody would
profile = DeltaTable(w.tables.get(got["profile_metrics_table_name"]).storage_location).to_pyarrow_table()
drift = DeltaTable(w.tables.get(got["drift_metrics_table_name"]).storage_location).to_pyarrow_table()
database = duckdb.connect()
database.register("profile", profile)
database.register("drift", drift)
whole = "slice_key IS NULL AND model_version = '*'"
seen["profile columns"], seen["drift columns"] = profile.column_names[:29], drift.column_names[:22]
seen["counts"] = database.execute(
    f"""SELECT count FROM profile WHERE column_name = '{DRIFTS}' AND log_type = 'INPUT' AND {whole}
    ORDER BY "window".start"""
).fetchall()
seen["accuracy"] = database.execute(
    f"SELECT accuracy_score FROM profile WHERE column_name = ':table' AND log_type = 'INPUT' AND {whole}"
).fetchall()
seen["drifted"] = database.execute(
    f"""SELECT column_name, list(drifted ORDER BY "window".start) FROM drift WHERE drift_type = 'BASELINE' AND {whole}
    AND column_name IN ('{DRIFTS}', '{STAYS}') GROUP BY ALL ORDER BY ALL"""
).fetchall()
seen["slices"] = database.execute(
    "SELECT DISTINCT slice_key FROM profile WHERE slice_key IS NOT NULL ORDER BY 1"
).fetchall()
seen["custom"] = database.execute(
    f"""SELECT count(*), bool_and(abs(root_mean_square - sqrt(avg * avg + stddev * stddev)) < 0.5) FROM profile
    WHERE column_name IN ('{DRIFTS}', '{STAYS}') AND log_type = 'INPUT' AND {whole}"""
).fetchall()
seen["of the table"] = database.execute(
    f"""SELECT avg_difference, accuracy_score, weighted_error FROM profile WHERE column_name = ':table'
    AND log_type = 'INPUT' AND {whole} ORDER BY "window".start"""
).fetchall()
seen["deltas"] = database.execute(
    f"SELECT error_delta FROM drift WHERE column_name = ':table' AND drift_type = 'BASELINE' AND {whole}"
).fetchall()

# --- the same monitor behind the newer API
table_id = w.tables.get(loans).table_id
schema_id = w.schemas.get(SCHEMA).schema_id
same = w.data_quality.get_monitor("table", table_id).data_profiling_config
seen["same"] = [
    same.monitored_table_name == loans,
    same.output_schema_id == schema_id,
    same.inference_log.granularities[0].value,
    same.status.value,
    table_id in [each.object_id for each in w.data_quality.list_monitor(page_size=1)],
]
config = dq.DataProfilingConfig(output_schema_id=schema_id, slicing_exprs=["country"])
changed = w.data_quality.update_monitor(
    "table",
    table_id,
    dq.Monitor("table", table_id, data_profiling_config=config),
    "data_profiling_config.slicing_exprs,data_profiling_config.schedule",
)
after = w.quality_monitors.get(loans)
seen["changed"] = [after.slicing_exprs, after.schedule is None, after.data_classification_config.enabled]
number = w.data_quality.create_refresh("table", table_id, dq.Refresh("table", table_id)).refresh_id
newer = wait(lambda: w.data_quality.get_refresh("table", table_id, number))
seen["newer refresh"] = [newer.state.value, newer.trigger.value]
refreshes = list(w.data_quality.list_refresh("table", table_id, page_size=1))
seen["newest first"] = [each.refresh_id for each in refreshes] == [number, done.refresh_id]

# --- time series and snapshot, created through the one and the other
w.quality_monitors.create(
    table_name=training,
    output_schema_name=SCHEMA,
    assets_dir="/x",
    time_series=MonitorTimeSeries(timestamp_col="at", granularities=["30 minutes", "1 week"]),
)
seen["time series"] = refresh(training).state.value
people = register("people", rows(1, 3))
people_id = w.tables.get(people).table_id
w.data_quality.create_monitor(
    dq.Monitor(
        "table",
        people_id,
        data_profiling_config=dq.DataProfilingConfig(output_schema_id=schema_id, snapshot=dq.SnapshotConfig()),
    )
)
seen["snapshot"] = [refresh(people).state == MonitorRefreshInfoState.SUCCESS, w.quality_monitors.get(people).snapshot]
seen["snapshot"][1] = seen["snapshot"][1] == MonitorSnapshot()

# --- refusals
log = asked["inference_log"].as_dict()
bad = MonitorInferenceLog.from_dict(
    {**log, "timestamp_col": "when", "granularities": ["1 day"], "prediction_col": "guess"}
)
seen["refusals"] = {
    "again": refused(lambda: w.quality_monitors.create(table_name=loans, **asked)),
    "no table": refused(lambda: w.quality_monitors.get("main.monitored.nothing")),
    "no monitor": refused(lambda: w.quality_monitors.get(got["profile_metrics_table_name"])),
    "no refresh": refused(lambda: w.quality_monitors.get_refresh(loans, 10**9)),
    "no id": refused(lambda: w.data_quality.get_monitor("table", "nothing")),
    "a schema": refused(lambda: w.data_quality.get_monitor("schema", schema_id)),
    "granularity": refused(
        lambda: w.quality_monitors.create(
            table_name=got["drift_metrics_table_name"],
            output_schema_name="main",
            assets_dir="/x",
            time_series=MonitorTimeSeries(timestamp_col="at", granularities=["7 minutes"]),
        )
    ),
    "columns": refused(lambda: w.quality_monitors.update(loans, SCHEMA, inference_log=bad, slicing_exprs=["nobody"])),
    "dashboard": refused(lambda: w.quality_monitors.regenerate_dashboard(loans)),
    "cancel what has ended": refused(lambda: w.quality_monitors.cancel_refresh(loans, number)),
}

w.quality_monitors.delete(people)
w.data_quality.delete_monitor("table", table_id)
seen["gone"] = [refused(lambda name=name: w.quality_monitors.get(name))[0] for name in (people, loans)]
seen["tables stay"] = w.tables.exists(got["drift_metrics_table_name"]).table_exists
print(json.dumps(seen, default=str))
