"""As the author: one logged model with versioned training data, and copies of it: `gate_setup.py MODELS`.

MODELS is a JSON file: `[{"model": NAME, "state": STATE, "manager": USER or null}, ...]`. Prints how many were made.
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

models = json.loads(Path(sys.argv[1]).read_text())
rows = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]})
table = tempfile.mkdtemp(prefix="pierhead-training-")
write_deltalake(table, rows)
mlflow.set_experiment("matrix")
with mlflow.start_run():
    log_delta_input(table, version=0)
    model = LinearRegression().fit(rows[["x"]], rows["y"])
    signature = infer_signature(rows[["x"]], model.predict(rows[["x"]]))
    # To find out the requirements takes another process, which imports everything anew.
    pins = [f"mlflow=={mlflow.__version__}", "scikit-learn", "pandas"]
    logged = mlflow.sklearn.log_model(model, name="model", signature=signature, pip_requirements=pins)
origin = "main.matrix.origin"
mlflow.register_model(logged.model_uri, origin)
registry, w = MlflowClient(), WorkspaceClient()
for wanted in models:
    registry.create_registered_model(wanted["model"])
    registry.create_model_version(wanted["model"], f"models:/{origin}/1")
    if wanted["state"] in ("requested", "rejected"):
        w.model_registry.create_transition_request(wanted["model"], "1", "Production")
    if wanted["manager"]:
        level = RegisteredModelPermissionLevel.CAN_MANAGE
        entry = RegisteredModelAccessControlRequest(user_name=wanted["manager"], permission_level=level)
        model = w.model_registry.get_model(wanted["model"]).registered_model_databricks
        w.model_registry.update_permissions(model.id, access_control_list=[entry])
print(len(models))
