"""Log and register what the e2e tests serve; prints the versions by model: `log_models.py [MODEL ...]`."""

import json
import os
import sys
import time

import mlflow
import numpy as np
import pandas as pd
import sklearn
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.linear_model import LinearRegression

# The same for all, so that they share one environment.
PINS = [
    f"{name}=={module.__version__}"
    for name, module in (("mlflow", mlflow), ("pandas", pd), ("numpy", np), ("scikit-learn", sklearn))
]
NUMBERS = ModelSignature(
    inputs=Schema([ColSpec(DataType.double, "sleep_s"), ColSpec(DataType.double, "exit")]),
    outputs=Schema([ColSpec(DataType.double)]),
)


class Moody(mlflow.pyfunc.PythonModel):
    """Sleeps as long as it is told, and ends its process where it is told to; else twice what it was given."""

    def predict(self, context, model_input, params=None):
        if model_input["exit"].max() > 0:
            os._exit(9)
        time.sleep(float(model_input["sleep_s"].max()))
        return model_input["sleep_s"] * 2


class CannotLoad(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        raise RuntimeError("the lookup file of this model is missing")

    def predict(self, context, model_input, params=None):
        return model_input["sleep_s"]


class CannotPredict(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        raise RuntimeError("this model knows no such column")


def scale(factor):
    x = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    model = LinearRegression().fit(x, factor * x["x"])
    return mlflow.sklearn.log_model(
        model, name="model", signature=infer_signature(x, model.predict(x)), pip_requirements=PINS
    )


def custom(model, pins=PINS):
    return mlflow.pyfunc.log_model(name="model", python_model=model, signature=NUMBERS, pip_requirements=pins)


MODELS = {
    "scale": [lambda: scale(1.0), lambda: scale(2.0)],
    "moody": [lambda: custom(Moody())],
    "unbuildable": [lambda: custom(Moody(), [PINS[0], "scikit-learn==9999.0"])],
    "unloadable": [lambda: custom(CannotLoad())],
    "unpredictable": [lambda: custom(CannotPredict())],
}

mlflow.set_experiment("e2e")
versions = {}
for model in sys.argv[1:] or MODELS:
    for log in MODELS[model]:
        with mlflow.start_run():
            logged = log()
        versions[model] = str(mlflow.register_model(logged.model_uri, f"main.e2e.{model}").version)
print(json.dumps(versions))
