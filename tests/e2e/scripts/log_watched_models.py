"""Log two versions of `main.e2e.watched`, trained on a table at a version of its own; prints them. Argument: the folder
of the platform's tables."""

import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import sklearn
from deltalake import write_deltalake
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.linear_model import LogisticRegression

from pierhead.client import log_delta_input

PINS = [
    f"{name}=={module.__version__}"
    for name, module in (("mlflow", mlflow), ("pandas", pd), ("numpy", np), ("scikit-learn", sklearn))
]
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.double, "age"), ColSpec(DataType.double, "income")]),
    outputs=Schema([ColSpec(DataType.long)]),
)
TABLE = "main.e2e.customers"

draw = np.random.default_rng(11)
rows = pd.DataFrame({"age": draw.uniform(18, 90, 6000), "income": draw.lognormal(8, 0.5, 6000)})
left = (rows["age"] + draw.normal(0, 15, 6000) < 50).astype(int)

location = Path(sys.argv[1]) / TABLE.replace(".", "/")
location.parent.mkdir(parents=True, exist_ok=True)
write_deltalake(location, pa.Table.from_pandas(rows, preserve_index=False))
# Whoever compares with the newest version of the table finds that nobody is younger than 200.
write_deltalake(location, pa.table({"age": [200.0] * 6000, "income": [1.0] * 6000}), mode="overwrite")

mlflow.set_experiment("watched")
versions = []
for strength in (1.0, 0.9):
    model = LogisticRegression(C=strength, max_iter=2000).fit(rows, left)
    with mlflow.start_run():
        log_delta_input(TABLE, version=0)
        logged = mlflow.sklearn.log_model(model, name="model", signature=SIGNATURE, pip_requirements=PINS)
    versions.append(str(mlflow.register_model(logged.model_uri, "main.e2e.watched").version))
print(json.dumps(versions))
