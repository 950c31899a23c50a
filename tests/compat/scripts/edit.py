"""Write everything that a door lets one write about a version: `edit.py NAME VERSION`."""

import json
import sys

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

name, version = sys.argv[1:]
client = MlflowClient()
done = []
for what, operation in {
    "description": lambda: client.update_model_version(name, version, "checked"),
    "model description": lambda: client.update_registered_model(name, "a model"),
    "tag": lambda: client.set_model_version_tag(name, version, "reviewed", "yes"),
    "model tag": lambda: client.set_registered_model_tag(name, "team", "fraud"),
    "alias": lambda: client.set_registered_model_alias(name, "reviewed", version),
    "stage": lambda: client.transition_model_version_stage(name, version, "staging"),
}.items():
    try:
        operation()
        done.append(what)
    except MlflowException as error:
        if (
            "not supported" not in str(error)
            and "unsupported" not in str(error)
            and "does not support" not in str(error)
        ):
            raise
print(json.dumps(done))
