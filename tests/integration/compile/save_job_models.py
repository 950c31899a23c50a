"""Run as a script: saves small models with MLflow into a folder, good ones and bad ones.

`python save_job_models.py FOLDER` leaves `FOLDER/NAME/` for each.
"""

import ctypes
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import mlflow.onnx
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import onnx
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

REQUIREMENTS = ["mlflow", "scikit-learn"]


class Answers(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return (model_input["x"] * 2.0).tolist()


class Counts(Answers):
    """Remembers how often it was asked."""

    def load_context(self, context):
        self.asked = 0

    def predict(self, context, model_input):
        self.asked += 1
        return (model_input["x"] + self.asked).tolist()


class Centers(Answers):
    """Measures every row by the company it is in."""

    def predict(self, context, model_input):
        return (model_input["x"] - model_input["x"].mean()).tolist()


class DiesLoading(Answers):
    def load_context(self, context):
        os.kill(os.getpid(), 11)


class DiesPredicting(Answers):
    def predict(self, context, model_input):
        return [ctypes.string_at(0)]


class Hangs(Answers):
    """Native code that never gives the interpreter back, and a process that hides from its group."""

    def load_context(self, context):
        with Path("hidden").open("w") as file:
            hidden = subprocess.Popen(["sleep", "3600"], start_new_session=True, stdout=file)
        print(f"hidden process {hidden.pid}", flush=True)

    def predict(self, context, model_input):
        # Unlike CDLL it keeps the lock of the interpreter.
        ctypes.PyDLL(None).sleep(3600)
        return []


class Eats(Answers):
    def load_context(self, context):
        self.eaten = []
        while True:
            self.eaten.append(np.ones(4_000_000))
            time.sleep(0.005)


def people(rows: int, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draw.integers(18, 90, rows).astype(float),
            "income": np.round(draw.lognormal(10, 1, rows), 2),
            "since": 1.6e12 + draw.integers(0, 10**11, rows).astype(float),
            "town": draw.choice(["Oslo", "Bergen", "Tromsø", "Bodø"], rows),
        }
    )
    frame.loc[draw.random(rows) < 0.1, "income"] = np.nan
    return frame


def target(frame: pd.DataFrame) -> np.ndarray:
    return (frame["age"] / 90 + (frame["town"] == "Oslo") + frame["income"].fillna(0) / 1e5).to_numpy()


def pipeline(model: object) -> Pipeline:
    numbers = Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [("numbers", numbers, ["age", "income", "since"]), ("towns", OneHotEncoder(handle_unknown="ignore"), ["town"])]
    )
    return Pipeline([("columns", columns), ("model", model)])


def save(folder: Path) -> None:
    rows = people(600)
    y = target(rows)
    numbers = rows[["age", "income", "since"]]
    classes = np.where(y > np.median(y), "yes", "no")

    def sklearn(name: str, model: object, x: pd.DataFrame, answer: object, **more: object) -> None:
        signature = infer_signature(x, answer)
        options = {"pip_requirements": REQUIREMENTS, "serialization_format": "cloudpickle", **more}
        mlflow.sklearn.save_model(model, folder / name, signature=signature, input_example=x.head(5), **options)

    linear = pipeline(LogisticRegression()).fit(rows, classes)
    # The default format of newer versions of MLflow.
    skops = {"serialization_format": "skops", "skops_trusted_types": ["numpy.dtype"]}
    sklearn("proba", linear, rows, linear.predict_proba(rows), pyfunc_predict_fn="predict_proba", **skops)
    boosted = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(numbers, y)
    sklearn("hgb", boosted, numbers, boosted.predict(numbers))
    odd = Pipeline([("odd", FunctionTransformer(_odd)), ("model", LogisticRegression())]).fit(rows[["age"]], classes)
    sklearn("unknown_step", odd, rows[["age"]], odd.predict(rows[["age"]]))
    neighbours = KNeighborsClassifier(3).fit(rows[["age"]], classes)
    sklearn("neighbours", neighbours, rows[["age"]], neighbours.predict(rows[["age"]]))
    process = GaussianProcessRegressor(alpha=1e-2).fit(numbers[["age"]][:60], y[:60])
    sklearn("process", process, numbers[["age"]], process.predict(numbers[["age"]]))
    save_onnx(folder)
    save_custom(folder)


def _odd(frame: pd.DataFrame) -> pd.DataFrame:
    return np.log1p(frame)


def save_onnx(folder: Path) -> None:
    """`onnx_scores` answers one number a row, `onnx_rows` has a tensor for its signature and answers two arrays."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["score"])],
        "scores",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(np.array([[1], [2], [3]], dtype=np.float32), "w")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(network)
    rows = people(5)[["age", "since"]].assign(income=1.5)
    mlflow.onnx.save_model(
        network,
        folder / "onnx_scores",
        signature=ModelSignature(inputs=Schema([ColSpec(DataType.double, column) for column in rows])),
        input_example=rows,
        pip_requirements=["mlflow", "onnx", "onnxruntime"],
    )
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["scores"]),
            helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
        ],
        "classes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 2]),
        ],
        [numpy_helper.from_array(np.array([[1, 2], [0, -1], [3, 1]], dtype=np.float32), "w")],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(network)
    mlflow.onnx.save_model(
        network,
        folder / "onnx_rows",
        signature=ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, 3))])),
        input_example=rows.to_numpy(dtype=np.float32),
        pip_requirements=["mlflow", "onnx", "onnxruntime"],
    )


def save_custom(folder: Path) -> None:
    one_number = ModelSignature(inputs=Schema([ColSpec(DataType.double, "x")]))
    models = {
        "counts": Counts(),
        "centers": Centers(),
        "dies_loading": DiesLoading(),
        "dies_predicting": DiesPredicting(),
        "hangs": Hangs(),
        "eats": Eats(),
    }
    for name, model in models.items():
        mlflow.pyfunc.save_model(folder / name, python_model=model, signature=one_number, pip_requirements=REQUIREMENTS)
    mlflow.pyfunc.save_model(folder / "nothing_known", python_model=Answers(), pip_requirements=REQUIREMENTS)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    save(Path(sys.argv[1]))
