"""ONNX as it was logged with `mlflow.onnx`: the network is there, only its feeds and answers are to be told.

MLflow gives a network with one input all columns as one matrix, rounds doubles to the single precision that it asks
for, and answers a DataFrame with one column per output; rows of a tensor it answers with one array per output. Whatever
MLflow would do differently is refused here.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import yaml

from pierhead.compile.domain import artifact as artifacts
from pierhead.compile.domain.artifact import AnswerSpec, ArtifactSpec, ColumnSpec, Feed
from pierhead.compile.domain.program import NotCompilable

_MADE_BY = "onnx as logged"

_DTYPES = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.BOOL: "bool",
    onnx.TensorProto.STRING: "string",
}

_TENSOR_KINDS = {"float64": "double", "float32": "float", "int64": "long", "bool": "boolean"}

# What MLflow's matrix of such columns is, by the kinds that are among them.
_MATRICES = {
    frozenset({"double"}): "float64",
    frozenset({"float"}): "float32",
    frozenset({"long"}): "int64",
    frozenset({"boolean"}): "bool",
    frozenset({"string"}): "string",
    frozenset({"double", "float"}): "float64",
    frozenset({"double", "long"}): "float64",
    frozenset({"double", "integer"}): "float64",
    frozenset({"float", "long"}): "float64",
    frozenset({"float", "integer"}): "float64",
}


def take_logged(model: Path, inputs: Sequence[dict[str, Any]] | None, folder: Path, source: str) -> str:
    """Make the artifact in `folder` of a logged model; how it was made. Raises NotCompilable."""
    network_file = _network_file(model)
    try:
        network = onnx.load(str(network_file), load_external_data=False)
    except Exception as error:
        # protobuf raises what it likes on a damaged file.
        raise NotCompilable(f"{network_file.name} is no ONNX network: {error}") from error
    if _has_external_data(network):
        raise NotCompilable("its weights lie in files of their own")
    is_tensor = bool(inputs) and any(item["type"] == "tensor" for item in inputs or ())
    columns = tensor_columns(inputs or ()) if is_tensor else _columns(inputs)
    spec = ArtifactSpec(
        format=artifacts.FORMAT,
        source=source,
        made_by=_MADE_BY,
        columns=columns,
        feeds=_feeds(network, columns, is_tensor=is_tensor),
        answers=[(_array if is_tensor else _answer)(output) for output in network.graph.output],
        is_tensor=is_tensor,
        by_output=is_tensor,
    )
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(network_file, folder / "model.onnx")
    (folder / "artifact.json").write_bytes(artifacts.encode(spec))
    return _MADE_BY


def _network_file(model: Path) -> Path:
    try:
        flavor = yaml.safe_load((model / "MLmodel").read_text())["flavors"]["onnx"]
        file = (model / str(flavor["data"])).resolve()
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise NotCompilable(f"its MLmodel names no network: {error}") from error
    if not file.is_relative_to(model.resolve()):
        raise NotCompilable("its network lies outside of its folder")
    if file.is_dir():
        raise NotCompilable("its weights lie in files of their own")
    return file


def _has_external_data(network: onnx.ModelProto) -> bool:
    return any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in network.graph.initializer)


def _columns(inputs: Sequence[dict[str, Any]] | None) -> list[ColumnSpec]:
    if not inputs:
        raise NotCompilable(
            "it was logged without a signature, so nobody knows what its columns are; log it again with one"
        )
    kinds = {"double", "float", "long", "integer", "boolean", "string"}
    odd = next((item["type"] for item in inputs if item["type"] not in kinds), None)
    if odd is not None:
        raise NotCompilable(f"its signature has columns of type {odd}")
    if any(item.get("required", True) is False for item in inputs):
        raise NotCompilable("its signature has optional columns, without which its matrix has another shape")
    return [ColumnSpec(item.get("name"), item["type"]) for item in inputs]


def tensor_columns(inputs: Sequence[dict[str, Any]]) -> list[ColumnSpec]:
    """One column for each value of a row, of a signature that is one tensor. Raises NotCompilable.

    >>> len(tensor_columns([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]))
    3
    """
    if len(inputs) != 1 or inputs[0].get("name") is not None:
        raise NotCompilable("its signature has tensors with names, or several of them")
    spec = inputs[0]["tensor-spec"]
    shape, dtype = list(spec["shape"]), spec["dtype"]
    if len(shape) != 2 or shape[0] != -1 or shape[1] < 1:
        raise NotCompilable(f"its signature is a tensor of shape {shape}, not of rows of a known length: [-1, n]")
    if dtype not in _TENSOR_KINDS:
        raise NotCompilable(f"its signature is a tensor of {dtype}, and rows are made of {', '.join(_TENSOR_KINDS)}")
    return [ColumnSpec(None, _TENSOR_KINDS[dtype])] * shape[1]


def _feeds(network: onnx.ModelProto, columns: Sequence[ColumnSpec], *, is_tensor: bool) -> list[Feed]:
    fixed = {tensor.name for tensor in network.graph.initializer}
    taken = [item for item in network.graph.input if item.name not in fixed]
    if len(taken) == 1:
        return [_feed(taken[0], columns, list(range(len(columns))), is_flat=False)]
    if is_tensor:
        raise NotCompilable(f"it takes {len(taken)} inputs, and its signature is one tensor")
    places = {column.name: place for place, column in enumerate(columns)}
    missing = [item.name for item in taken if item.name not in places]
    if missing or not taken:
        raise NotCompilable(f"its inputs {missing} are no columns of its signature")
    # MLflow drops the second axis of single columns.
    return [_feed(item, columns, [places[item.name]], is_flat=True) for item in taken]


def _feed(item: onnx.ValueInfoProto, columns: Sequence[ColumnSpec], places: list[int], *, is_flat: bool) -> Feed:
    wanted = _dtype(item, "input")
    given = _MATRICES.get(frozenset(columns[place].kind for place in places))
    if given != wanted and (given, wanted) != ("float64", "float32"):
        raise NotCompilable(f"its input {item.name} takes {wanted}, and its signature's columns are not that")
    return Feed(item.name, wanted, places, is_flat)


def _answer(output: onnx.ValueInfoProto) -> AnswerSpec:
    dtype = _dtype(output, "output")
    sizes = [axis.dim_value for axis in output.type.tensor_type.shape.dim]
    if len(sizes) > 2 or (len(sizes) == 2 and sizes[1] != 1) or not sizes:
        # MLflow lays the rows of such an answer end to end.
        raise NotCompilable(f"its output {output.name} has {sizes[1:]} values a row, which MLflow does not keep apart")
    return AnswerSpec(output.name, "scalar", dtype, names=[output.name])


def _array(output: onnx.ValueInfoProto) -> AnswerSpec:
    """Of an answer to a tensor, which keeps its shape."""
    dtype = _dtype(output, "output")
    axes = len(output.type.tensor_type.shape.dim)
    if axes not in (1, 2):
        raise NotCompilable(f"its output {output.name} has {axes} axes, and rows have one or two")
    return AnswerSpec(output.name, "scalar" if axes == 1 else "vector", dtype)


def _dtype(item: onnx.ValueInfoProto, what: str) -> str:
    kind = item.type.WhichOneof("value")
    dtype = _DTYPES.get(item.type.tensor_type.elem_type) if kind == "tensor_type" else None
    if dtype is None:
        raise NotCompilable(f"its {what} {item.name} is of a type that rows cannot be made of")
    return dtype
