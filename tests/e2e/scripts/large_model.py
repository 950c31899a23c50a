"""Log a model with a file of MIB mebibytes, register it, fetch it back: `large_model.py NAME MIB`; prints `true`."""

import filecmp
import json
import os
import sys
import tempfile
from pathlib import Path

import mlflow


class Heavy(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


name, mib = sys.argv[1], int(sys.argv[2])
with tempfile.TemporaryDirectory() as folder:
    weights = Path(folder) / "weights.bin"
    with weights.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(1024) * 1024)
    mlflow.set_experiment("e2e")
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=Heavy(),
            artifacts={"weights": str(weights)},
            signature=mlflow.models.infer_signature([1.0], [1.0]),
            pip_requirements=[f"mlflow=={mlflow.__version__}"],
        )
    version = mlflow.register_model(logged.model_uri, name).version
    (Path(folder) / "back").mkdir()
    back = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/{version}", dst_path=f"{folder}/back"))
    print(json.dumps(filecmp.cmp(weights, back / "artifacts" / "weights.bin", shallow=False)))
