"""ONNX networks as somebody logged them."""

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from benchmarks.parity.recipes import Recipe
from benchmarks.parity.tables import Sample, Table


def _network(nodes: list[Any], width: int, weights: dict[str, Any]) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "scores",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(network)
    return network


def _two_layers(sample: Sample, table: Table) -> ModelProto:  # noqa: ARG001 - the same for every table
    draw = np.random.default_rng(5)
    width = sample.x.shape[1]
    sizes = sample.x.to_numpy(dtype=np.float64).std(axis=0) + 1e-9
    weights = {
        "w1": (draw.normal(size=(width, 12)) / sizes[:, None]).astype(np.float32),
        "b1": draw.normal(size=12).astype(np.float32),
        "w2": draw.normal(size=(12, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["m"]),
        helper.make_node("Add", ["m", "b1"], ["a"]),
        helper.make_node("Relu", ["a"], ["h"]),
        helper.make_node("MatMul", ["h", "w2"], ["score"]),
    ]
    return _network(nodes, width, weights)


NETWORKS = (
    Recipe("ONNX as logged", "two layers in single precision", ("diabetes", "wine"), _two_layers, flavor="onnx"),
)
