"""Models that answer with every number they see, saved with MLflow, and the same as artifacts of one Identity node.

So an answer of a compiled version equals MLflow's only if every single value was decoded alike.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator, RegressorMixin

from pierhead.compile.domain import artifact as stored
from pierhead.compile.domain.artifact import AnswerSpec, ArtifactSpec, ColumnSpec, Feed
from pierhead.compile.runtime.artifact import Artifact
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.worker.scoring import Answer, Scorer

VOCABULARY = ["", "Oslo", "Bergen", "Ærøskøbing", "1.5", "nan", "true"]

NAMED = [
    ColumnSpec("amount", "double"),
    ColumnSpec("town of birth", "string", vocabulary=VOCABULARY),
    ColumnSpec("größe", "float"),
    ColumnSpec("age", "long"),
    ColumnSpec("floor", "integer"),
    ColumnSpec("is_new", "boolean"),
    ColumnSpec("maybe", "double", required=False),
]

DOUBLES = [ColumnSpec("a", "double"), ColumnSpec("b", "double"), ColumnSpec("c", "string", vocabulary=VOCABULARY)]

_DTYPES = {"double": "float64", "float": "float32", "long": "int64", "integer": "int32", "boolean": "bool"}


class Revealing(RegressorMixin, BaseEstimator):
    """Answers with its input as numbers; raises if a column has not the type of the signature."""

    def __init__(self, kinds: tuple[str, ...] = ()) -> None:
        self.kinds = kinds

    def fit(self, x: object, y: object = None) -> "Revealing":
        self.fitted_ = True
        return self

    def predict(self, x: object) -> np.ndarray:
        if not isinstance(x, pd.DataFrame):
            array = np.asarray(x)
            if str(array.dtype) != _DTYPES[self.kinds[0]]:
                raise TypeError(f"a tensor of {array.dtype}")
            return array.astype(np.float64)
        if len(x.columns) != len(self.kinds):
            raise KeyError("a column is missing")
        columns = [_numbers(x.iloc[:, at], kind) for at, kind in enumerate(self.kinds)]
        return np.stack(columns, axis=1)


def _numbers(column: pd.Series, kind: str) -> np.ndarray:
    if kind != "string":
        if str(column.dtype) != _DTYPES[kind]:
            raise TypeError(f"{column.name} is of type {column.dtype}")
        return column.to_numpy().astype(np.float64)
    words = column.tolist()
    if column.dtype != pd.Series(["a"]).dtype:
        raise TypeError(f"{column.name} is of type {column.dtype}")
    if not all(isinstance(word, str) for word in words):
        raise TypeError(f"{column.name} holds something else than strings")
    return np.array([VOCABULARY.index(word) if word in VOCABULARY else -1 for word in words], dtype=np.float64)


@dataclass(frozen=True)
class Pair:
    """The same model in MLflow and compiled."""

    original: Scorer
    compiled: CompiledScorer
    columns: Sequence[ColumnSpec]
    is_tensor: bool


def pair(folder: Path, columns: Sequence[ColumnSpec], *, is_tensor: bool = False) -> Pair:
    with warnings.catch_warnings():
        # MLflow warns of its own type hints while it is imported.
        warnings.simplefilter("ignore")
        save(folder / "model", columns, is_tensor=is_tensor)
        original = CalmScorer(folder / "model")
    write_identity(folder / "artifact", columns, is_tensor=is_tensor)
    return Pair(original, CompiledScorer(Artifact.load(folder / "artifact")), columns, is_tensor)


class CalmScorer(Scorer):
    """MLflow's own function; a warning is no error to it, as in a worker."""

    def __init__(self, folder: Path) -> None:
        import mlflow.pyfunc

        self.model = mlflow.pyfunc.load_model(str(folder))
        super().__init__(self.model)

    def score(self, content_type: str, body: bytes) -> Answer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return super().score(content_type, body)


def save(folder: Path, columns: Sequence[ColumnSpec], *, is_tensor: bool) -> None:
    import mlflow.sklearn
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    kinds = tuple(column.kind for column in columns)
    if is_tensor:
        inputs = Schema([TensorSpec(np.dtype(_DTYPES[kinds[0]]), (-1, len(columns)))])
    else:
        inputs = Schema(
            [ColSpec(DataType[column.kind], name=column.name, required=column.required) for column in columns]
        )
    mlflow.sklearn.save_model(
        Revealing(kinds).fit(None),
        folder,
        signature=ModelSignature(inputs=inputs),
        serialization_format="cloudpickle",
        pip_requirements=["mlflow"],
    )


def write_identity(folder: Path, columns: Sequence[ColumnSpec], *, is_tensor: bool = False) -> None:
    width = len(columns)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, width])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None, width])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = 10
    folder.mkdir()
    onnx.save(model, str(folder / "model.onnx"))
    spec = ArtifactSpec(
        format=stored.FORMAT,
        source="sha256:0",
        made_by="by hand",
        columns=list(columns),
        feeds=[Feed("x", "float64", list(range(width)))],
        answers=[AnswerSpec("y", "vector", "float64")],
        is_tensor=is_tensor,
    )
    (folder / "artifact.json").write_bytes(stored.encode(spec))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same to the last bit and of the same types."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and type(one) is type(other) and math.copysign(1, one) == math.copysign(1, other)
