"""Artifacts of a few nodes, written by hand."""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from pierhead.compile.domain import artifact as stored
from pierhead.compile.domain.artifact import AnswerSpec, ArtifactSpec, ColumnSpec, Feed

TOWNS = ["Oslo", "Bergen"]
COLUMNS = [ColumnSpec("a", "double"), ColumnSpec("town", "string", vocabulary=TOWNS)]


def write(folder: Path, nodes: list[NodeProto], outputs: dict[str, int], spec: ArtifactSpec) -> Path:
    """`outputs` is the width of each output."""
    inputs = [
        helper.make_tensor_value_info(
            feed.input,
            {"float64": TensorProto.DOUBLE, "int64": TensorProto.INT64, "string": TensorProto.STRING}[feed.dtype],
            [None] if feed.is_flat else [None, len(feed.columns)],
        )
        for feed in spec.feeds
    ]
    results = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, width]) for name, width in outputs.items()
    ]
    constants = [numpy_helper.from_array(np.array(value), name) for name, value in (("zero", 0.0), ("hundred", 100.0))]
    graph = helper.make_graph(nodes, "small", inputs, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = 10
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "artifact.json").write_bytes(stored.encode(spec))
    return folder


def spec_of(answers: list[AnswerSpec], *, feeds: list[Feed] | None = None, declines: str | None = None) -> ArtifactSpec:
    return ArtifactSpec(
        format=stored.FORMAT,
        source="sha256:0",
        made_by="by hand",
        columns=COLUMNS,
        feeds=feeds or [Feed("x", "float64", [0, 1])],
        answers=answers,
        declines=declines,
    )


def telling(folder: Path) -> Path:
    """Answers with its row; declines rows whose first number is below zero or missing."""
    nodes = [
        helper.make_node("Identity", ["x"], ["y"]),
        helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
        helper.make_node("Min", ["a", "zero"], ["odd"]),
    ]
    spec = spec_of([AnswerSpec("y", "vector", "float64")], declines="odd")
    return write(folder, nodes, {"y": 2, "odd": 1}, spec)


def summing(folder: Path) -> Path:
    """Answers every row with the sum of all rows of the run: no row is independent."""
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["x", "zero"], ["none"]),
    ]
    nodes.append(helper.make_node("Add", ["none", "sum"], ["y"]))
    return write(folder, nodes, {"y": 2}, spec_of([AnswerSpec("y", "vector", "float64")]))
