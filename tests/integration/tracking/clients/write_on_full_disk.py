"""Try to create an experiment on a full disk; print what the client says of it, and after how long."""

import json
import time
import uuid

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

began = time.monotonic()
try:
    for _ in range(100):
        began = time.monotonic()
        MlflowClient().create_experiment(f"/too-late-{uuid.uuid4()}", tags={"long": "x" * 4000})
    told = "created"
except MlflowException as error:
    told = f"{error.error_code}: {error}"
print(json.dumps({"told": told, "took_s": time.monotonic() - began}))
