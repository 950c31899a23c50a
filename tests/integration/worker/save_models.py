"""Run as a script: saves small models with MLflow into a folder, with the answers that MLflow itself gives.

`python save_models.py FOLDER` leaves `FOLDER/NAME/` for each model and `FOLDER/expected.json`.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path

import mlflow.pyfunc
import mlflow.sklearn
import mlflow.xgboost
import numpy as np
import pandas as pd
import xgboost
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.proto_json_utils import NumpyEncoder
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

REQUIREMENTS = ["mlflow", "scikit-learn"]


class Obedient(mlflow.pyfunc.PythonModel):
    """Does what the column `do` of the first row says."""

    def load_context(self, context):
        print("the model prints while it loads")

    def predict(self, context, model_input, params=None):
        what, _, how = model_input["do"].iloc[0].partition(":")
        if what == "sleep":
            time.sleep(float(how))
        if what == "raise":
            raise ValueError(how)
        if what == "exit":
            sys.exit(how)
        if what == "exhaust":
            raise MemoryError
        if what == "nan":
            return [float("nan"), np.float64(1.5)]
        if what == "hold":
            # A regular expression that never ends and never lets another thread run.
            import re

            re.match(r"(a+)+$", "a" * 40 + "b")
        if what == "environment":
            return [sorted(os.environ), sys.path, sorted(name for name in sys.modules if name.startswith("pierhead"))]
        if what == "fork":
            import subprocess

            return [subprocess.Popen(["sleep", "600"]).pid]
        return [f"{what} {params['scale']}" for what in model_input["do"]]


class CannotLoad(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        raise RuntimeError("the weights are\nnot where they should be\nby far")

    def predict(self, context, model_input):
        return []


class CannotPredict(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        raise AttributeError("'Tree' object has no attribute 'missing'")


class EndsItself(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        os.kill(os.getpid(), 9)

    def predict(self, context, model_input):
        return []


class Sleeper(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        time.sleep(60)

    def predict(self, context, model_input):
        return []


class Shape(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return np.asarray(model_input).sum(axis=(1, 2))


def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [20.0, 30.0, 40.0, 50.0],
            "income": [1.0, 2.5, 3.0, 4.0],
            "town": ["Oslo", "Bergen", "Oslo", "Bergen"],
        }
    )


def pipeline(handle_unknown: str) -> Pipeline:
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["age", "income"]),
            ("towns", OneHotEncoder(handle_unknown=handle_unknown), ["town"]),
        ]
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression())]).fit(people(), [0, 1, 0, 1])


def save(folder: Path) -> None:
    rows = people()
    signature = infer_signature(rows, np.array([0, 1], dtype=np.int64))
    common = {"signature": signature, "pip_requirements": REQUIREMENTS}
    lenient = pipeline("ignore")
    mlflow.sklearn.save_model(
        lenient, folder / "cloudpickle", serialization_format="cloudpickle", input_example=rows.head(2), **common
    )
    trusted = ["numpy.dtype", "sklearn.compose._column_transformer._RemainderColsList"]
    mlflow.sklearn.save_model(
        lenient,
        folder / "skops",
        serialization_format="skops",
        skops_trusted_types=trusted,
        input_example=rows.head(2),
        **common,
    )
    mlflow.sklearn.save_model(lenient, folder / "signature_only", serialization_format="cloudpickle", **common)
    mlflow.sklearn.save_model(pipeline("error"), folder / "picky", serialization_format="cloudpickle", **common)
    mlflow.sklearn.save_model(
        lenient, folder / "nothing_known", serialization_format="cloudpickle", pip_requirements=REQUIREMENTS
    )
    mlflow.sklearn.save_model(
        LogisticRegression(), folder / "never_fitted", serialization_format="cloudpickle", **common
    )
    numbers = rows[["age", "income"]]
    trees = xgboost.XGBRegressor(n_estimators=5, min_child_weight=0).fit(numbers, [0.1, 1.7, 0.2, 9.5])
    mlflow.xgboost.save_model(
        trees,
        folder / "xgboost",
        signature=infer_signature(numbers, np.array([0.5], dtype=np.float32)),
        pip_requirements=REQUIREMENTS,
    )
    save_custom(folder)


def save_custom(folder: Path) -> None:
    obedient = ModelSignature(
        inputs=Schema([ColSpec(DataType.string, "do")]),
        params=ParamSchema([ParamSpec("scale", DataType.double, 1.0)]),
    )
    one_number = ModelSignature(inputs=Schema([ColSpec(DataType.double, "x")]))
    tensor = ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, 2, 3))]))
    for name, model, signature in (
        ("obedient", Obedient(), obedient),
        ("cannot_load", CannotLoad(), one_number),
        ("cannot_predict", CannotPredict(), one_number),
        ("ends_itself", EndsItself(), one_number),
        ("sleeper", Sleeper(), one_number),
        ("tensor", Shape(), tensor),
    ):
        mlflow.pyfunc.save_model(folder / name, python_model=model, signature=signature, pip_requirements=REQUIREMENTS)


def answers(folder: Path) -> dict[str, object]:
    """What MLflow predicts for the rows that the tests send."""
    found = {}
    for name in ("cloudpickle", "skops", "xgboost"):
        model = mlflow.pyfunc.load_model(str(folder / name))
        rows = people() if name != "xgboost" else people()[["age", "income"]]
        found[name] = json.loads(json.dumps(model.predict(rows).tolist(), cls=NumpyEncoder))
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    target = Path(sys.argv[1])
    save(target)
    people().to_parquet(target / "people.parquet", index=False)
    (target / "expected.json").write_text(json.dumps(answers(target)))
