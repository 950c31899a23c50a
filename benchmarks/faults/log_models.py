"""Logs and registers what the fault suite serves, with the official clients: `log_models.py FOLDER`.

Three models with two versions each: `price` is a pipeline that is compiled, `plain` an opaque model whose requests may
share a batch, `crowd` one whose answers betray any company. Leaves `FOLDER/MODEL.json` for each: rows, and the right
answers of both versions.
"""

import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import sklearn
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

PLACE = "main.faults"
_ROWS = 4000
_SHIFT = 1000.0
"""Between the versions, so that an answer tells which of them gave it."""

_PINS = [
    f"{module.__name__.replace('sklearn', 'scikit-learn')}=={module.__version__}"
    for module in (mlflow, pd, np, sklearn)
]


class Plain(mlflow.pyfunc.PythonModel):
    def __init__(self, shift):
        self._shift = shift

    def predict(self, model_input):
        length = model_input["region"].str.len()
        return (model_input["amount"] * 3 + model_input["visits"] + length + self._shift).to_numpy()


class Crowd(Plain):
    def predict(self, model_input):
        return super().predict(model_input) + 1e9 * (len(model_input) - 1)


def rows():
    draw = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "amount": draw.uniform(1, 9999, _ROWS).round(6),
            "visits": draw.integers(0, 50, _ROWS),
            "region": draw.choice(["north", "south", "Østfold", "上海"], _ROWS).astype(object),
        }
    )


def pipeline(frame, shift):
    target = frame["amount"] * 2 + frame["visits"] ** 2 + (frame["region"] == "north") * 17 + shift
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["amount", "visits"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["region"]),
        ]
    )
    return make_pipeline(columns, Ridge()).fit(frame, target)


def log(name, frame, shift):
    """The logged model's address, and its answers to all rows, each asked alone."""
    if name == "price":
        model = pipeline(frame, shift)
        answers = model.predict(frame)
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(frame, answers),
            input_example=frame.head(20),
            serialization_format="cloudpickle",
            pip_requirements=_PINS,
        )
        return logged.model_uri, answers.tolist()
    model = {"plain": Plain, "crowd": Crowd}[name](shift)
    answers = Plain(shift).predict(frame)
    logged = mlflow.pyfunc.log_model(
        name="model",
        python_model=model,
        signature=infer_signature(frame, answers),
        input_example=frame.head(20),
        pip_requirements=_PINS,
    )
    return logged.model_uri, answers.tolist()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    mlflow.set_experiment("/faults")
    frame = rows()
    for name in ("price", "plain", "crowd"):
        answers = {}
        for number in (1, 2):
            with mlflow.start_run():
                uri, right = log(name, frame, _SHIFT * number)
            answers[str(mlflow.register_model(uri, f"{PLACE}.{name}").version)] = right
        content = {"columns": list(frame), "rows": frame.to_numpy().tolist(), "answers": answers}
        (folder / f"{name}.json").write_text(json.dumps(content))
