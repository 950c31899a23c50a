"""Many requests in one prediction: for models whose rows do not depend on each other.

Requests are plain (`plain_rows`) or are left to MLflow's own function. Of the plain ones, one input is made with the
types that MLflow's schema enforcement gives each of them alone.
"""

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol

from pierhead.worker.plain_rows import PLAIN_TYPES, RowReader, plain_content
from pierhead.worker.scoring import JSON, Answer

_JSON_TYPES = {
    "",
    JSON,
    f"{JSON}; charset=utf-8",
    f"{JSON};charset=utf-8",
    f"{JSON}; charset=UTF-8",
    f"{JSON};charset=UTF-8",
}

# In one prediction.
_MOST_ROWS = 1024

# MLflow's wrappers of these libraries hand their input on as it is: without enforcement, which ours has passed already,
# they answer the same in less time.
_PASSING_ON = {"mlflow.sklearn", "mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost"}

# Beyond, a whole number is rounded twice on its way through a float64 to a float32.
_EXACT_WHOLE = 2**53


class Inputs(Protocol):
    """How requests become one input of the model."""

    def read(self, body: bytes) -> Any:
        """The rows of a plain request, something with a length; None of another."""

    def together(self, requests: Sequence[Any]) -> Any:
        """One input of all their rows. Raises what pandas and NumPy raise."""


class Batcher:
    """Answers requests together. Used by one thread at a time."""

    def __init__(self, inputs: Inputs, predict: Callable[[Any], Any], to_json: Callable[[Any], Any], encoder: Any):
        self._inputs = inputs
        self._predict = predict
        self._to_json = to_json
        self._encoder = encoder
        self._is_of_use = True

    def answer(self, requests: Sequence[tuple[str, bytes]]) -> list[Answer | None]:
        """Never raises. None for a request that must be asked alone."""
        answers: list[Answer | None] = [None] * len(requests)
        batch: list[tuple[int, Any]] = []
        count = 0
        for at, (content_type, body) in enumerate(requests):
            rows = self._inputs.read(body) if self._is_of_use and content_type in _JSON_TYPES else None
            if rows is None:
                continue
            if batch and count + len(rows) > _MOST_ROWS:
                self._answer_batch(batch, answers)
                batch, count = [], 0
            batch.append((at, rows))
            count += len(rows)
        if batch:
            self._answer_batch(batch, answers)
        return answers

    def _answer_batch(self, batch: Sequence[tuple[int, Any]], answers: list[Answer | None]) -> None:
        counts = [len(rows) for _, rows in batch]
        try:
            predictions = self._to_json(self._predict(self._inputs.together([rows for _, rows in batch])))
            if not isinstance(predictions, list) or len(predictions) != sum(counts):
                self._give_up("its answers are no list of one entry a row")
                return
            ends = accumulate(counts)
            bodies = [
                json.dumps({"predictions": predictions[end - count : end]}, cls=self._encoder).encode()
                for end, count in zip(ends, counts, strict=True)
            ]
        except BaseException:
            # Whose fault it is shows when each is asked alone.
            return
        for (at, _), body in zip(batch, bodies, strict=True):
            answers[at] = Answer(200, body)

    def _give_up(self, reason: str) -> None:
        self._is_of_use = False
        print(f"requests are answered one by one from now on: {reason}", file=sys.stderr, flush=True)


def batcher_of(model: Any) -> Batcher | None:
    """For an `mlflow.pyfunc.PyFuncModel`; None if its signature does not say how requests could share an input."""
    try:
        inputs = _inputs_of(model.metadata)
        if inputs is None:
            return None
        from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj
    except Exception:
        # MLflow of another age: one by one it works as well.
        traceback.print_exc()
        return None
    return Batcher(inputs, _predict_function(model), _get_jsonable_obj, NumpyEncoder)


def _inputs_of(metadata: Any) -> Inputs | None:
    schema = metadata.get_input_schema()
    if schema is None or not schema.inputs or _is_typed_by_hint(metadata):
        return None
    described = schema.to_dict()
    if described[0]["type"] == "tensor":
        spec = schema.inputs[0]
        is_plain = len(described) == 1 and "name" not in described[0] and spec.shape[0] == -1
        return TensorInputs(spec) if is_plain and spec.type.kind in "fiub" else None
    columns = [(column.get("name"), column["type"]) for column in described]
    names = {name for name, _ in columns}
    if None in names or len(names) != len(columns) or not {kind for _, kind in columns} <= PLAIN_TYPES.keys():
        return None
    return FrameInputs(columns)


def _is_typed_by_hint(metadata: Any) -> bool:
    asked = (getattr(metadata, name, bool) for name in ("_is_signature_from_type_hint", "_is_type_hint_from_example"))
    return any(ask() for ask in asked)


def _predict_function(model: Any) -> Callable[[Any], Any]:
    bare = getattr(model, "_predict_fn", None)
    if model.loader_module in _PASSING_ON and bare is not None and model.metadata.get_params_schema() is None:
        return bare  # type: ignore[no-any-return] # it is MLflow's
    return model.predict  # type: ignore[no-any-return]


class FrameInputs:
    """One DataFrame by the names and types of a signature."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self._columns = columns
        self._reader = RowReader(columns)

    def read(self, body: bytes) -> Sequence[Any] | None:
        return self._reader.read(body)

    def together(self, requests: Sequence[Sequence[Any]]) -> Any:
        import pandas as pd

        columns = zip(*[row for rows in requests for row in rows], strict=True)
        return pd.DataFrame(
            {name: _column(kind, values) for (name, kind), values in zip(self._columns, columns, strict=True)}
        )


def _column(kind: str, values: Sequence[Any]) -> Any:
    import numpy as np

    if kind == "string":
        # pandas chooses the type, as it does for MLflow.
        return list(values)
    if kind == "integer" and not (min(values) >= -(2**31) and max(values) < 2**31):
        raise OverflowError("an integer of more than 32 bits")
    if kind == "float":
        doubles = np.array(values, dtype=np.float64)
        if (np.abs(doubles) > _EXACT_WHOLE).any():
            raise OverflowError("a whole number that a float32 cannot hold")
        return doubles.astype(np.float32)
    return np.array(values, dtype={"double": "float64", "long": "int64", "integer": "int32", "boolean": "bool"}[kind])


class TensorInputs:
    """One array for a signature of a single tensor without a name."""

    def __init__(self, spec: Any) -> None:
        self._dtype = spec.type
        self._shape = tuple(spec.shape)

    def read(self, body: bytes) -> Any:
        import numpy as np

        found = plain_content(body)
        if found is None or found[0] not in ("inputs", "instances"):
            return None
        content = found[1]
        if not isinstance(content, list) or not content or isinstance(content[0], dict):
            return None
        try:
            # Exactly what MLflow does with it.
            array = np.array(content, dtype=self._dtype)
        except Exception:
            return None
        is_fitting = array.ndim == len(self._shape) and all(
            wanted in (-1, has) for wanted, has in zip(self._shape, array.shape, strict=True)
        )
        return array if is_fitting else None

    def together(self, requests: Sequence[Any]) -> Any:
        import numpy as np

        return np.concatenate(requests)
