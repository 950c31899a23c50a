"""Ops that move, join, weigh and look up columns."""

import numpy as np

from pierhead.compile.domain.program import Matrix, Node
from pierhead.compile.emit.ops import Network, Values, emission, meaning


@meaning("columns")
def _columns(node: Node, values: Values) -> Matrix:
    """The columns whose places the constant lists."""
    return np.asarray(values[node.inputs[0]][:, values[node.inputs[1]]])


@emission("columns")
def _emit_columns(network: Network, node: Node) -> None:
    places = network.initializer(network.constant(node.inputs[1]).astype(np.int64))
    network.set_double(node.output, network.node("Gather", [network.double(node.inputs[0]), places], axis=1))


@meaning("concat")
def _concat(node: Node, values: Values) -> Matrix:
    return np.concatenate([values[name] for name in node.inputs], axis=1)


@emission("concat")
def _emit_concat(network: Network, node: Node) -> None:
    inputs = [network.double(name) for name in node.inputs]
    network.set_double(node.output, network.node("Concat", inputs, axis=1))


@meaning("filled")
def _filled(node: Node, values: Values) -> Matrix:
    """As many rows as the input, `columns` columns, all of them the number `value`."""
    return np.full(
        (len(values[node.inputs[0]]), node.attributes["columns"]), node.attributes["value"], dtype=np.float64
    )


@emission("filled")
def _emit_filled(network: Network, node: Node) -> None:
    shape = network.node("Shape", [network.double(node.inputs[0])], start=0, end=1)
    width = network.initializer(np.array([node.attributes["columns"]], dtype=np.int64))
    one = network.initializer(np.array([[node.attributes["value"]]], dtype=np.float64))
    network.set_double(node.output, network.node("Expand", [one, network.node("Concat", [shape, width], axis=0)]))


@meaning("linear")
def _linear(node: Node, values: Values) -> Matrix:
    """`a @ weights + bias`; a NaN or an infinity makes every output of its row one, also at weight 0."""
    product = values[node.inputs[0]] @ values[node.inputs[1]]
    return np.asarray(product + values[node.inputs[2]] if len(node.inputs) == 3 else product)


@emission("linear")
def _emit_linear(network: Network, node: Node) -> None:
    inputs = [network.double(name) for name in node.inputs]
    network.set_double(node.output, network.node("MatMul" if len(inputs) == 2 else "Gemm", inputs))


@meaning("take")
def _take(node: Node, values: Values) -> Matrix:
    """The entries of the constant `[entries]` at these places: whole numbers from 0."""
    places, table = (values[name] for name in node.inputs)
    return np.asarray(table[places.astype(np.int64)])


@emission("take")
def _emit_take(network: Network, node: Node) -> None:
    places, table = node.inputs
    network.set_double(node.output, network.node("Gather", [network.double(table), network.index(places)], axis=0))
