"""What one door shows of a registered model: `look.py NAME VERSION`. Operations that the client refuses give null."""

import json
import sys

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

name, version = sys.argv[1:]
client = MlflowClient()
x = pd.DataFrame({"a": [4.0], "b": [1.0]})


def allowed(operation):
    """The result, or None where this door's client offers no such operation."""
    try:
        return operation()
    except (MlflowException, NotImplementedError) as error:
        refused = ("not supported", "does not support", "not available", "is unsupported", "NotImplemented")
        if isinstance(error, NotImplementedError) or any(text in str(error) for text in refused):
            return None
        raise


seen = client.get_model_version(name, version)
model = client.get_registered_model(name)
print(
    json.dumps(
        {
            "run_id": seen.run_id,
            "description": seen.description or "",
            "tags": {key: value for key, value in seen.tags.items() if not key.startswith("mlflow.")},
            "model_description": model.description or "",
            "model_tags": {key: value for key, value in model.tags.items() if not key.startswith("mlflow.")},
            "stage": seen.current_stage,
            "listed": [int(one.version) for one in client.search_model_versions(f"name='{name}'")],
            "among": name in [one.name for one in client.search_registered_models(max_results=100)],
            "by_alias": allowed(lambda: int(client.get_model_version_by_alias(name, "reviewed").version)),
            "loaded": mlflow.pyfunc.load_model(f"models:/{name}/{version}").predict(x).tolist(),
            "loaded_by_alias": allowed(
                lambda: mlflow.pyfunc.load_model(f"models:/{name}@reviewed").predict(x).tolist()
            ),
        }
    )
)
