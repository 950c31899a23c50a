"""Train, register and only then log the data. Arguments: the tables folder; version of the table or `none`."""

import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
from deltalake import write_deltalake
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

from pierhead.client import delta_dataset, log_delta_input

NAME = "main.lineage.classifier"
TABLE = "main.lineage.training"
location = Path(sys.argv[1]) / TABLE.replace(".", "/")
rows = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [0, 1, 1]})
if not location.exists():
    location.parent.mkdir(parents=True, exist_ok=True)
    write_deltalake(location, rows)
    write_deltalake(location, rows, mode="append")
mlflow.set_experiment("/lineage")
with mlflow.start_run() as run:
    features = rows[["a"]]
    model = LogisticRegression().fit(features, rows["y"])
    signature = infer_signature(features, model.predict(features))
    logged = mlflow.sklearn.log_model(model, name="m", signature=signature, registered_model_name=NAME)
    if sys.argv[2] != "none":
        log_delta_input(TABLE, version=int(sys.argv[2]))
    holdout = delta_dataset(TABLE, name="holdout")
    mlflow.log_metric("auc", 0.93, dataset=holdout, model_id=logged.model_id)
told = {"run": run.info.run_id, "version": str(logged.registered_model_version), "holdout": holdout.digest}
print(json.dumps(told))
