"""Log and register what the rollouts of the e2e tests roll out; prints the versions of `main.e2e.churn` by kind."""

import json
import os
import time

import mlflow
import numpy as np
import pandas as pd
import sklearn
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

PINS = [
    f"{name}=={module.__version__}"
    for name, module in (("mlflow", mlflow), ("pandas", pd), ("numpy", np), ("scikit-learn", sklearn))
]
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.double, "age"), ColSpec(DataType.string, "city")]),
    outputs=Schema([ColSpec(DataType.double)]),
)
CITIES = ("aachen", "bonn", "celle", "dorum")


def trained(seed):
    """A real classifier on customers who leave the younger they are, and in some cities more than in others."""
    draw = np.random.default_rng(seed)
    rows = pd.DataFrame({"age": draw.uniform(18, 90, 4000), "city": draw.choice(CITIES, 4000)})
    odds = (50 - rows["age"]) / 15 + rows["city"].map({"aachen": 0.8, "bonn": 0.0, "celle": -0.5, "dorum": 0.3})
    left = draw.uniform(size=len(rows)) < 1 / (1 + np.exp(-odds))
    columns = ColumnTransformer([("city", OneHotEncoder(), ["city"])], remainder="passthrough")
    return make_pipeline(columns, LogisticRegression(max_iter=2000)).fit(rows, left)


class Churn(mlflow.pyfunc.PythonModel):
    """The probability that a customer leaves; `fault` is what is wrong with this version."""

    def __init__(self, model, fault=""):
        self.model = model
        self.fault = fault

    def predict(self, context, model_input, params=None):
        scores = self.model.predict_proba(model_input)[:, 1]
        if self.fault == "wrong":
            scores = 1 - scores
        if self.fault == "timid":
            scores = np.full(len(scores), 0.97)
        if self.fault == "slow":
            time.sleep(0.3)
        if self.fault == "crashing" and (model_input["age"] * 1000 % 50 < 1).any():
            os._exit(9)
        if self.fault == "failing" and (model_input["age"] * 1000 % 50 < 1).any():
            raise RuntimeError("this customer is too much for me")
        if self.fault == "drifting":
            scores = np.where(model_input["city"] == "celle", 1 - scores, scores)
        return pd.Series(scores)


KINDS = {
    "champion": lambda: Churn(trained(1)),
    "good": lambda: Churn(trained(2)),
    "wrong": lambda: Churn(trained(2), "wrong"),
    "timid": lambda: Churn(trained(2), "timid"),
    "slow": lambda: Churn(trained(2), "slow"),
    "crashing": lambda: Churn(trained(2), "crashing"),
    "failing": lambda: Churn(trained(2), "failing"),
    "drifting": lambda: Churn(trained(2), "drifting"),
}

mlflow.set_experiment("e2e")
versions = {}
for kind, make in KINDS.items():
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(name="model", python_model=make(), signature=SIGNATURE, pip_requirements=PINS)
    versions[kind] = str(mlflow.register_model(logged.model_uri, "main.e2e.churn").version)
print(json.dumps(versions))
