"""The library's own object inside a loaded model: answers without `mlflow.pyfunc`."""

from collections.abc import Callable
from io import StringIO
from typing import Any

from pierhead.worker.scoring import JSON, Answer, refusal
from pierhead.worker.wording import reason_of

FLAVORS = ("sklearn", "xgboost", "lightgbm", "catboost")

Predict = Callable[[Any], Any]


def find_predict(model: Any) -> Predict | None:
    """What `model`, a PyFuncModel, comes down to for data that fits its schema; None for other flavors."""
    flavors = model.metadata.flavors
    if not any(name in flavors for name in FLAVORS) or not hasattr(model, "get_raw_model"):
        return None
    raw = model.get_raw_model()
    wanted = (flavors.get("python_function") or {}).get("predict_fn", "predict")
    found = getattr(raw, wanted, None)
    # A bare booster takes its library's own matrix, which the flavor's wrapper makes.
    return found if callable(found) and _takes_frames(raw) else None


def _takes_frames(raw: Any) -> bool:
    return f"{type(raw).__module__}.{type(raw).__name__}" != "xgboost.core.Booster"


class NativeScorer:
    """Answers JSON invocations by MLflow's decoding, schema and encoding around the library's own `predict`."""

    def __init__(self, model: Any, predict: Predict) -> None:
        self._model = model
        self._schema = model.metadata.get_input_schema()
        self._predict = predict

    def enforced(self, body: bytes) -> Any:
        """What the model's own `predict` is given for this body. Raises what MLflow raises."""
        from mlflow.models.utils import _enforce_schema
        from mlflow.pyfunc.scoring_server import _parse_json_data

        parsed = _parse_json_data(body, self._model.metadata, self._schema)
        if parsed.params:
            raise ValueError("params are left to pyfunc")
        return parsed.data if self._schema is None else _enforce_schema(parsed.data, self._schema)

    def score(self, body: bytes) -> Answer:
        from mlflow.pyfunc.scoring_server import predictions_to_json

        try:
            written = StringIO()
            predictions_to_json(self._predict(self.enforced(body)), written)
        except Exception as error:
            return refusal(400, "BAD_REQUEST", reason_of(error), error)
        return Answer(200, written.getvalue().encode(), JSON)
