"""The models that the serving tests use, one function for each flavour: (log it, rows to ask about)."""

import datetime

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
import sklearn as sklearn_library
from mlflow.models import infer_signature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PINS = [f"mlflow=={mlflow.__version__}", f"pandas=={pd.__version__}", f"numpy=={np.__version__}"]


def _pins(*modules):
    names = {"sklearn": "scikit-learn", "xgboost": "xgboost-cpu"}
    return [*PINS, *(f"{names.get(module.__name__, module.__name__)}=={module.__version__}" for module in modules)]


# They need no scikit-learn, but so they share an environment with those that do.
OPAQUE_PINS = _pins(sklearn_library)


def _frame():
    data = load_breast_cancer(as_frame=True)
    return data.data.iloc[:, :6], data.target


def sklearn():
    """Mixed types: numbers and strings, a pipeline."""
    x, y = _frame()
    x = x.iloc[:, :3].assign(site=np.where(x.index % 3 == 0, "left", "right"))
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["site"]), remainder=StandardScaler()),
        LogisticRegression(),
    ).fit(x, y)
    signature = infer_signature(x, model.predict(x))
    info = mlflow.sklearn.log_model(
        model, name="model", signature=signature, input_example=x.head(2), pip_requirements=_pins(sklearn_library)
    )
    return info, x.head(7)


def xgboost():
    import xgboost as library

    x, y = _frame()
    model = library.XGBClassifier(n_estimators=10).fit(x, y)
    info = mlflow.xgboost.log_model(
        model, name="model", signature=infer_signature(x, model.predict(x)), pip_requirements=_pins(library)
    )
    return info, x.head(7)


def lightgbm():
    import lightgbm as library

    x, y = _frame()
    model = library.train({"objective": "binary", "verbose": -1}, library.Dataset(x, y), num_boost_round=10)
    info = mlflow.lightgbm.log_model(
        model, name="model", signature=infer_signature(x, model.predict(x)), pip_requirements=_pins(library)
    )
    return info, x.head(7)


class Scorecard(mlflow.pyfunc.PythonModel):
    """Sums what it is given; knows params, dates, booleans and optional columns."""

    def predict(self, context, model_input, params=None):
        factor = (params or {}).get("factor", 1.0)
        total = model_input["amount"].to_numpy(float) * factor
        if "bonus" in model_input:
            total = total + model_input["bonus"].fillna(0).to_numpy(float)
        late = model_input["when"] > pd.Timestamp("2026-01-01")
        return pd.DataFrame({"score": total, "late": late, "vip": model_input["vip"]})


def pyfunc():
    rows = pd.DataFrame(
        {
            "amount": [1.5, 2.0, float("nan")],
            "when": [datetime.datetime(2025, 12, 31), datetime.datetime(2026, 5, 1), datetime.datetime(2026, 6, 1)],
            "vip": [True, False, True],
            "bonus": [1.0, None, 3.0],
        }
    )
    signature = mlflow.models.ModelSignature(
        inputs=Schema(
            [
                ColSpec(DataType.double, "amount"),
                ColSpec(DataType.datetime, "when"),
                ColSpec(DataType.boolean, "vip"),
                ColSpec(DataType.double, "bonus", required=False),
            ]
        ),
        params=ParamSchema([ParamSpec("factor", DataType.double, 1.0)]),
    )
    info = mlflow.pyfunc.log_model(
        name="model", python_model=Scorecard(), signature=signature, pip_requirements=OPAQUE_PINS, code_paths=[__file__]
    )
    return info, rows


class Doubler(mlflow.pyfunc.PythonModel):
    """A tensor in, a tensor out."""

    def predict(self, context, model_input, params=None):
        return model_input * 2


def tensor():
    signature = mlflow.models.ModelSignature(
        inputs=Schema([TensorSpec(np.dtype("float32"), (-1, 2, 2))]),
        outputs=Schema([TensorSpec(np.dtype("float32"), (-1, 2, 2))]),
    )
    info = mlflow.pyfunc.log_model(
        name="model", python_model=Doubler(), signature=signature, pip_requirements=OPAQUE_PINS, code_paths=[__file__]
    )
    return info, np.arange(12, dtype="float32").reshape(3, 2, 2)


def log_and_register(flavour, name):
    """Log the model of a flavour in a run of its own and register it: (version, rows to ask about)."""
    mlflow.set_experiment("compat serving")
    with mlflow.start_run():
        info, rows = globals()[flavour]()
    version = mlflow.register_model(info.model_uri, name)
    return str(version.version), rows
