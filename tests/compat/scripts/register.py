"""Log a small model and register it through the door that the environment names: `register.py NAME`."""

import json
import sys

import mlflow
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

name = sys.argv[1]
x = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 5.0]})
model = LinearRegression().fit(x, 2 * x["a"] + x["b"])
mlflow.set_experiment("compat registry")
with mlflow.start_run() as run:
    mlflow.sklearn.log_model(
        model,
        name="model",
        signature=mlflow.models.infer_signature(x, model.predict(x)),
        input_example=x.head(1),
        pip_requirements=[f"mlflow=={mlflow.__version__}", "scikit-learn", "pandas"],
    )
version = mlflow.register_model(f"runs:/{run.info.run_id}/model", name, tags={"origin": "compat"})
answer = mlflow.pyfunc.load_model(f"models:/{name}/{version.version}").predict(x)
assert np.allclose(answer, 2 * x["a"] + x["b"])
print(json.dumps({"version": int(version.version), "status": version.status, "run_id": run.info.run_id}))
