"""A fitted model as the folder that a user would log."""

import importlib
import logging
from pathlib import Path
from typing import Any

from benchmarks.parity.recipes import features
from benchmarks.parity.subjects import Subject

_REQUIREMENTS = ["mlflow", "scikit-learn"]
_EXAMPLE_ROWS = 20


def save(subject: Subject, folder: Path) -> Any:
    """Fit it and save it by its flavor, with signature and input example; gives the model as MLflow loads it again."""
    import mlflow.pyfunc
    from mlflow.models import infer_signature

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    recipe = subject.recipe
    model, sample = subject.fit()
    x = features(sample, subject.table)
    details: dict[str, Any] = {"signature": infer_signature(x, _answer(model, recipe.want, x))}
    if recipe.flavor == "sklearn":
        details |= {"serialization_format": "cloudpickle", "pyfunc_predict_fn": recipe.want}
    importlib.import_module(f"mlflow.{recipe.flavor}").save_model(
        model, folder, input_example=x[:_EXAMPLE_ROWS], pip_requirements=_REQUIREMENTS, **details
    )
    return mlflow.pyfunc.load_model(str(folder))


def _answer(model: Any, want: str, x: Any) -> Any:
    """For the signature; None where the model takes no plain rows."""
    if type(model).__module__ in ("xgboost.core", "onnx.onnx_ml_pb2"):
        return None
    return getattr(model, want)(x)
