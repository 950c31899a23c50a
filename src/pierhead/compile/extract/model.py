"""An MLflow model folder -> program. Runs in the model's own environment."""

from pathlib import Path
from typing import Any

import numpy as np

from pierhead.compile.domain.program import Column, NotCompilable, Program
from pierhead.compile.extract.graph import KINDS, Graph
from pierhead.compile.extract.registry import predict

_LOADERS = {
    "mlflow.sklearn": "sklearn",
    "mlflow.xgboost": "xgboost",
    "mlflow.lightgbm": "lightgbm",
    "mlflow.catboost": "catboost",
}

_KINDS_OF_DTYPES = {"float64": "double", "float32": "float", "int64": "long", "int32": "integer", "bool": "boolean"}


def extract(model_folder: Path, pyfunc_model: Any) -> Program:
    """`pyfunc_model` is the folder loaded by `mlflow.pyfunc`. Raises NotCompilable with the reason."""
    flavor = pyfunc_model.metadata.flavors.get("python_function") or {}
    loader = flavor.get("loader_module")
    if loader not in _LOADERS:
        raise NotCompilable(f"a {loader or model_folder.name} model answers with code of its own")
    columns, is_tensor = columns_of(pyfunc_model.metadata.get_input_schema())
    graph = Graph(columns, is_tensor=is_tensor)
    outcome = predict(graph, pyfunc_model.get_raw_model(), graph.input(), flavor.get("predict_fn", "predict"))
    return graph.program(outcome)


def columns_of(schema: Any) -> tuple[list[Column], bool]:
    """The inputs of an MLflow schema, and whether callers send rows of numbers. Raises NotCompilable."""
    if schema is None:
        raise NotCompilable("it has no signature, so nobody knows what its columns are")
    if schema.is_tensor_spec():
        return _tensor_columns(schema.inputs), True
    return [_column(spec) for spec in schema.inputs], False


def _column(spec: Any) -> Column:
    kind = getattr(spec.type, "name", str(spec.type))
    if kind not in KINDS:
        raise NotCompilable(f"column {spec.name!r} of the signature is of type {kind}")
    if spec.name is None:
        raise NotCompilable("its signature has columns without names")
    return Column(str(spec.name), kind, bool(spec.required))


def _tensor_columns(specs: Any) -> list[Column]:
    if len(specs) != 1 or specs[0].name is not None:
        raise NotCompilable("its signature has tensors with names")
    shape, dtype = tuple(specs[0].shape), np.dtype(specs[0].type).name
    if len(shape) != 2 or shape[0] != -1 or shape[1] < 1:
        raise NotCompilable(f"its signature is a tensor of shape {shape}, not rows of a known length")
    if dtype not in _KINDS_OF_DTYPES:
        raise NotCompilable(f"its signature is a tensor of {dtype}")
    return [Column(None, _KINDS_OF_DTYPES[dtype])] * shape[1]
