"""The MLflow-on-Databricks deployment runbook, run against Pierhead with the official clients.

    pierhead users create priya --group data-scientists
    pierhead users create lee --group ml-leads
    pierhead rollouts policy apply examples/rollouts.yaml
    export LEAD_TOKEN=$(pierhead tokens create --user lee)
    eval "$(pierhead env --user priya)"    # DATABRICKS_HOST, DATABRICKS_TOKEN, MLFLOW_TRACKING_URI, ...
    python examples/runbook.py

Everything here is `mlflow` and `databricks-sdk`. The one exception is the import of `WorkspaceClient`: the official one
accepts no plain dicts as `config` (it fails before sending anything), ours is the same class and does.
"""

import os
import tempfile
from collections import Counter
from typing import Any

import mlflow
import pandas as pd
from databricks.sdk.service.catalog import DataSourceFormat, MonitorRefreshInfoState, TableType
from databricks.sdk.service.serving import EndpointStateConfigUpdate
from deltalake import DeltaTable, write_deltalake
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pierhead.client import WorkspaceClient, log_delta_input

MODEL = "main.clinic.tumour_model"
TABLE = "main.clinic.tumour_training"
ENDPOINT = "tumour-detection-v2"


def store_training_data(w: WorkspaceClient, folder: str) -> None:
    """The training data as a Delta table, known to the catalog by its name."""
    write_deltalake(folder, load_breast_cancer(as_frame=True).frame)
    catalog, schema, name = TABLE.split(".")
    w.schemas.create(schema, catalog)
    w.tables.create(name, catalog, schema, TableType.EXTERNAL, DataSourceFormat.DELTA, folder)
    print(f"   {TABLE} is at version {DeltaTable(folder).version()}")


def train_and_register(c: float) -> str:
    """Steps 1 and 2: train and log a run, register its model; the new version's number."""
    data = load_breast_cancer(as_frame=True)
    train, test, train_label, test_label = train_test_split(data.data, data.target, random_state=0)
    with mlflow.start_run() as run:
        log_delta_input(TABLE, version=0)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)).fit(train, train_label)
        accuracy = accuracy_score(test_label, model.predict(test))
        mlflow.log_param("C", c)
        mlflow.log_metric("accuracy", accuracy)
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=mlflow.models.infer_signature(train, model.predict(train)),
            input_example=train.head(2),
        )
    print(f"   run {run.info.run_id[:8]}: C={c}, accuracy {accuracy:.3f}")
    version = mlflow.register_model(f"runs:/{run.info.run_id}/model", MODEL).version
    print(f"   registered as {MODEL}, version {version}")
    return str(version)


def main(folder: str) -> None:
    w = WorkspaceClient()
    registry = MlflowClient()
    rows = load_breast_cancer(as_frame=True).data.tail(5)

    print("1. Train & log, 2. Register")
    store_training_data(w, folder)
    mlflow.set_experiment("tumours")
    first = train_and_register(c=1.0)

    print("3. Stage transitions: None -> Staging -> Production, where only an ML lead lets it in")
    registry.transition_model_version_stage(MODEL, first, "Staging")
    try:
        registry.transition_model_version_stage(MODEL, first, "Production")
        raise AssertionError("a data scientist must not get into Production alone")
    except MlflowException as refused:
        print(f"   {w.current_user.me().user_name} tries alone: {refused.error_code}")
    w.model_registry.create_transition_request(MODEL, first, "Production", comment="beats the last one")
    lead = WorkspaceClient(host=w.config.host, token=os.environ["LEAD_TOKEN"])
    lead.model_registry.approve_transition_request(MODEL, first, "Production", False, comment="looks good")
    print(
        f"   {lead.current_user.me().user_name} approves: in {registry.get_model_version(MODEL, first).current_stage}"
    )

    print("4. Deploy to a serving endpoint (builds the model's own environment)")
    w.serving_endpoints.create_and_wait(
        name=ENDPOINT,
        config={
            "served_models": [
                {
                    "model_name": MODEL,
                    "model_version": first,
                    "workload_size": "Small",
                    "scale_to_zero_enabled": True,
                }
            ],
            "auto_capture_config": {"catalog_name": "main", "schema_name": "clinic", "table_name_prefix": "tumours"},
        },
    )
    print(f"   {ENDPOINT} is {w.serving_endpoints.get(ENDPOINT).state.ready.value}")

    print("5. Query it: the answers equal the model's own, loaded by its alias")
    answer = w.serving_endpoints.query(ENDPOINT, dataframe_records=rows.to_dict("records"))
    expected = mlflow.pyfunc.load_model(f"models:/{MODEL}@production").predict(rows)
    assert answer.predictions == expected.tolist()
    print(f"   {answer.served_model_name} answered {answer.predictions}")

    print("6. Replace it: the official call, and behind it a shadow and a canary below 5 %, judged by predictions")
    second = train_and_register(c=0.1)
    w.serving_endpoints.update_config(name=ENDPOINT, served_entities=[entity("challenger", second)])
    answered = ask_until_updated(w, rows)
    rollout = wait_for_the_end(w)
    print(f"   {rollout['status']}: {rollout['reason']}; meanwhile answered {answered}")
    assert w.serving_endpoints.get(ENDPOINT).config.served_entities[0].entity_version == second

    print("7. A/B test: both versions have proved themselves, and share the traffic")
    w.serving_endpoints.update_config_and_wait(
        name=ENDPOINT,
        served_entities=[entity("champion", first), entity("challenger", second)],
        traffic_config={
            "routes": [
                {"served_model_name": "champion", "traffic_percentage": 90},
                {"served_model_name": "challenger", "traffic_percentage": 10},
            ]
        },
    )
    served = [w.serving_endpoints.query(ENDPOINT, dataframe_records=rows.to_dict("records")) for _ in range(200)]
    by_entity = pd.Series([one.served_model_name for one in served]).value_counts().to_dict()
    print(f"   200 requests went to {by_entity}")

    print("8. Monitor: every request is a row of a Delta table")
    table = wait_for_rows(w, "main.clinic.tumours_payload", 1 + sum(answered.values()) + len(served))
    latency = table["execution_duration_ms"].quantile([0.5, 0.95, 0.99])
    print(f"   {len(table)} rows; p50 {latency[0.5]:.0f} ms, p95 {latency[0.95]:.0f} ms, p99 {latency[0.99]:.0f} ms")
    drift = refresh_and_read_drift(w)
    print(f"   compared with {TABLE} at version 0: {(drift['level'] == 'alarm').sum()} of {len(drift)} columns drift")
    # Five rows asked again and again are not what the model was trained on.
    worst = drift.sort_values("population_stability_index").iloc[-1]
    psi, chance = worst["population_stability_index"], worst["null_bound"]
    print(f"   most of all {worst['column_name']}: PSI {psi:.1f}, where chance explains {chance:.2f}")


def entity(name: str, version: str) -> dict[str, object]:
    """A served entity of the second half of the runbook."""
    return {
        "name": name,
        "entity_name": MODEL,
        "entity_version": version,
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }


def ask_until_updated(w: WorkspaceClient, rows: pd.DataFrame) -> dict[str, int]:
    """Send requests until the endpoint's update is over; how many of them each served entity answered."""
    answered: Counter[str] = Counter()
    while w.serving_endpoints.get(ENDPOINT).state.config_update == EndpointStateConfigUpdate.IN_PROGRESS:
        for _ in range(20):
            answer = w.serving_endpoints.query(ENDPOINT, dataframe_records=rows.to_dict("records"))
            answered[answer.served_model_name] += 1
    return dict(answered)


def wait_for_the_end(w: WorkspaceClient) -> dict[str, Any]:
    """The rollout, when it is over."""
    import time

    for _ in range(30):
        rollout: dict[str, Any] = w.api_client.do("GET", f"/api/2.0/pierhead/rollouts/{ENDPOINT}")["rollout"]
        if rollout["ended_at"] is not None:
            return rollout
        time.sleep(1)
    raise TimeoutError(f"the rollout of {ENDPOINT} did not end in 30 s")


def refresh_and_read_drift(w: WorkspaceClient) -> pd.DataFrame:
    """The newest hour beside the training data, a row for each column; the endpoint got its monitor by itself."""
    refresh = w.quality_monitors.run_refresh("main.clinic.tumours_requests")
    while (
        refresh := w.quality_monitors.get_refresh("main.clinic.tumours_requests", refresh.refresh_id)
    ).state != MonitorRefreshInfoState.SUCCESS:
        assert refresh.state != MonitorRefreshInfoState.FAILED, refresh.message
    rows = DeltaTable(w.tables.get("main.clinic.tumours_requests_drift_metrics").storage_location).to_pandas()
    rows = rows[(rows["drift_type"] == "BASELINE") & (rows["granularity"] == "1 hour") & rows["slice_key"].isna()]
    rows = rows[(rows["model_id"] == "*") & rows["population_stability_index"].notna()]
    return rows[rows["window"] == rows["window"].iloc[-1]]


def wait_for_rows(w: WorkspaceClient, name: str, count: int) -> pd.DataFrame:
    """What callers were answered, without the copies of a shadow. Rows appear a second or two after their answers."""
    import time

    for _ in range(30):
        if w.tables.exists(name).table_exists:
            table = DeltaTable(w.tables.get(name).storage_location).to_pandas()
            table = table[table["shadow_of"].isna()]
            if len(table) >= count:
                return table
        time.sleep(1)
    raise TimeoutError(f"{name} did not get {count} rows in 30 s")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tumours-") as training_data:
        main(training_data)
