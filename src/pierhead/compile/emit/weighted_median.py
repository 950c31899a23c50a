"""The `weighted_median` op."""

import numpy as np

from pierhead.compile.domain.program import Matrix, Node
from pierhead.compile.emit.ops import Network, Values, emission, meaning


@meaning("weighted_median")
def _weighted_median(node: Node, values: Values) -> Matrix:
    """One column: the first number of the sorted row at which the sum of the weights `[width]` reaches half of all."""
    x, weights = (values[name] for name in node.inputs)
    order = np.argsort(x, axis=1, kind="stable")
    sums = np.cumsum(weights[order], axis=1)
    place = (sums >= 0.5 * sums[:, -1:]).argmax(axis=1)[:, np.newaxis]
    return np.asarray(np.take_along_axis(x, np.take_along_axis(order, place, axis=1), axis=1))


@emission("weighted_median")
def _emit_weighted_median(network: Network, node: Node) -> None:
    weights = network.constant(node.inputs[1]).astype(np.float64)
    width = network.initializer(np.array([len(weights)], dtype=np.int64))
    axis = network.initializer(np.array(1, dtype=np.int64))
    x = network.double(node.inputs[0])
    ordered, order = network.nodes("TopK", [x, width], 2, axis=1, largest=0, sorted=1)
    sums = network.node("CumSum", [network.node("Gather", [network.initializer(weights), order], axis=0), axis])
    last = network.node("Gather", [sums, network.initializer(np.array([len(weights) - 1], dtype=np.int64))], axis=1)
    half = network.node("Mul", [last, network.initializer(np.array(0.5))])
    reached = network.node("Cast", [network.node("GreaterOrEqual", [sums, half])], to=np.int64)
    place = network.node("ArgMax", [reached], axis=1, keepdims=1)
    network.set_double(node.output, network.node("GatherElements", [ordered, place], axis=1))
