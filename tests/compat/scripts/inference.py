"""Inference tables, labels and their views with official clients: `inference.py MODEL`."""

import json
import os
import sys
import time

import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import (
    AutoCaptureConfigInput,
    EndpointCoreConfigInput,
    EndpointTag,
    ServedEntityInput,
)
from deltalake import DeltaTable
from models import log_and_register

name = sys.argv[1]
version, rows = log_and_register("sklearn", name)
w = WorkspaceClient()
column = rows.columns[0]
w.serving_endpoints.create_and_wait(
    "compat-inference",
    config=EndpointCoreConfigInput(
        None,
        served_entities=[
            ServedEntityInput(
                entity_name=name, entity_version=version, workload_size="Small", scale_to_zero_enabled=True
            )
        ],
        auto_capture_config=AutoCaptureConfigInput(
            catalog_name="main", schema_name="compat", table_name_prefix="inference", enabled=True
        ),
    ),
    tags=[EndpointTag("pierhead.masked_columns", "visitor"), EndpointTag("pierhead.entity_key", "visitor")],
)
records = [record | {"visitor": "Ada"} for record in json.loads(rows.to_json(orient="records"))]
kept = "main.compat.inference_"
predictions = w.serving_endpoints.query("compat-inference", dataframe_records=records).predictions

deadline = time.monotonic() + 60
while not (w.tables.exists("main.compat.inference_requests").table_exists):
    assert time.monotonic() < deadline, "no requests table"
    time.sleep(0.2)


def table(kind):
    return DeltaTable(w.tables.get(f"main.compat.inference_{kind}").storage_location).to_pyarrow_table()


requested, payload = table("requests"), table("payload")
host, token = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_TOKEN"]
labels = f"{host}/api/2.0/pierhead/endpoints/compat-inference/labels"
sent = {"labels": [{"entity_key": "Ada", "label": predictions[0]}]}
headers = {"Authorization": f"Bearer {token}"}
added = [requests.post(labels, json=sent, headers=headers).json() for _ in range(2)]
coverage = requests.get(labels, headers=headers).json()
view = w.tables.get("main.compat.inference_payload_legacy")
print(
    json.dumps(
        {
            "rows": requested.num_rows == len(records),
            "predictions": requested.sort_by("row_index")["prediction"].to_pylist() == predictions,
            "features": requested.sort_by("row_index")[column].to_pylist() == rows[column].tolist(),
            "types": [str(requested.schema.field(name).type) for name in rows.columns],
            "who": [requested["route"][0].as_py(), requested["model_id"][0].as_py() == f"{name}/{version}"],
            "masked": "Ada" not in str(requested.to_pylist()) + str(payload.to_pylist()),
            "counted": payload["request_rows"].to_pylist() == [len(records)],
            "added": [(each["rows_added"], each["is_replay"]) for each in added],
            "coverage": [(cohort["predictions"], cohort["labelled"]) for cohort in coverage["cohorts"]],
            "view": [view.table_type.value, [each.name for each in view.columns][:3]],
            "kinds": sorted(
                each.name
                for each in w.tables.list("main", "compat")
                # Its monitor writes tables too, sooner or later.
                if each.name.startswith("inference_") and not each.name.endswith("_metrics")
            ),
        }
    )
)
w.serving_endpoints.delete("compat-inference")
