"""Ops that look at a whole row."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import Matrix, Node
from pierhead.compile.emit.ops import Network, Values, emission, meaning

_REDUCTIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "argmax": lambda x: x.argmax(axis=1),
    "argmin": lambda x: x.argmin(axis=1),
    "row_max": lambda x: x.max(axis=1),
    "row_min": lambda x: x.min(axis=1),
    "row_sum": lambda x: x.sum(axis=1),
}

_OP_TYPES = {"row_max": "ReduceMax", "row_min": "ReduceMin", "row_sum": "ReduceSum"}


@meaning(*_REDUCTIONS)
def _reduction(node: Node, values: Values) -> Matrix:
    """One column. The first of equals wins; rows with a NaN are not defined, save for `row_sum`."""
    return _REDUCTIONS[node.op](values[node.inputs[0]])[:, np.newaxis].astype(np.float64)


@emission(*_OP_TYPES)
def _emit_reduction(network: Network, node: Node) -> None:
    axes = network.initializer(np.array([1], dtype=np.int64))
    inputs = [network.double(node.inputs[0]), axes]
    network.set_double(node.output, network.node(_OP_TYPES[node.op], inputs, keepdims=1))


@emission("argmax", "argmin")
def _emit_place(network: Network, node: Node) -> None:
    op_type = "ArgMax" if node.op == "argmax" else "ArgMin"
    network.set_index(node.output, network.node(op_type, [network.double(node.inputs[0])], axis=1, keepdims=1))


@meaning("softmax")
def _softmax(node: Node, values: Values) -> Matrix:
    x = values[node.inputs[0]]
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@emission("softmax")
def _emit_softmax(network: Network, node: Node) -> None:
    network.set_double(node.output, network.node("Softmax", [network.double(node.inputs[0])], axis=1))


@meaning("log_softmax")
def _log_softmax(node: Node, values: Values) -> Matrix:
    x = values[node.inputs[0]]
    shifted = x - x.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


@emission("log_softmax")
def _emit_log_softmax(network: Network, node: Node) -> None:
    network.set_double(node.output, network.node("LogSoftmax", [network.double(node.inputs[0])], axis=1))
