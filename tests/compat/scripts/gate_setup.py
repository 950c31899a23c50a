"""As the author: one logged model with versioned training data, and a copy of it for every cell: `gate_setup.py CELLS`.

CELLS is a JSON file: `[{"model": NAME, "state": STATE, "manager": USER or null}, ...]`. Prints how many were made.
"""

import json
import sys
import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.ml import RegisteredModelAccessControlRequest, RegisteredModelPermissionLevel
from deltalake import write_deltalake
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

from pierhead.client import log_delta_input

cells = json.loads(Path(sys.argv[1]).read_text())
rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]})
table = tempfile.mkdtemp(prefix="pierhead-training-")
write_deltalake(table, rows)
mlflow.set_experiment("matrix")
with mlflow.start_run():
    log_delta_input(table, version=0)
    model = LinearRegression().fit(rows[["x"]], rows["y"])
    signature = infer_signature(rows[["x"]], model.predict(rows[["x"]]))
    logged = mlflow.sklearn.log_model(model, name="model", signature=signature)
origin = "main.matrix.origin"
mlflow.register_model(logged.model_uri, origin)
registry, w = MlflowClient(), WorkspaceClient()
for cell in cells:
    registry.create_registered_model(cell["model"])
    registry.create_model_version(cell["model"], f"models:/{origin}/1")
    if cell["state"] in ("requested", "rejected"):
        w.model_registry.create_transition_request(cell["model"], "1", "Production")
    if cell["manager"]:
        level = RegisteredModelPermissionLevel.CAN_MANAGE
        entry = RegisteredModelAccessControlRequest(user_name=cell["manager"], permission_level=level)
        model = w.model_registry.get_model(cell["model"]).registered_model_databricks
        w.model_registry.update_permissions(model.id, access_control_list=[entry])
print(len(cells))
