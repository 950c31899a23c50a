"""Serve a model with an inference table and ask it until its predictions lie there: `serve_monitored.py MODEL NAME`."""

import json
import sys
import time

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.serving import AutoCaptureConfigInput, EndpointCoreConfigInput, ServedEntityInput
from models import log_and_register

name, endpoint = sys.argv[1:]
version, rows = log_and_register("sklearn", name)
w = WorkspaceClient()
w.serving_endpoints.create_and_wait(
    endpoint,
    config=EndpointCoreConfigInput(
        None,
        served_entities=[
            ServedEntityInput(
                entity_name=name, entity_version=version, workload_size="Small", scale_to_zero_enabled=True
            )
        ],
        auto_capture_config=AutoCaptureConfigInput(
            catalog_name="main", schema_name="compat", table_name_prefix="monitored", enabled=True
        ),
    ),
)
for _ in range(5):
    w.serving_endpoints.query(endpoint, dataframe_records=json.loads(rows.to_json(orient="records")))
deadline = time.monotonic() + 60
while not w.tables.exists("main.compat.monitored_requests").table_exists:
    assert time.monotonic() < deadline, "no requests table"
    time.sleep(0.2)
print(json.dumps({"rows": 5 * len(rows)}))
