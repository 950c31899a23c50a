"""Ops on single numbers. Operands spread like NumPy's: a width of 1 over all columns, a constant row over all rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import Matrix, Node
from pierhead.compile.emit.ops import Network, Values, emission, meaning

Array = NDArray[Any]


def _sigmoid(x: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -x))


OPS_OF_ONE: dict[str, Callable[[Array], Array]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "is_inf": np.isinf,
    "is_nan": np.isnan,
    "log": np.log,
    "log1p": np.log1p,
    "neg": np.negative,
    "not": lambda x: x == 0,
    "relu": lambda x: np.maximum(x, 0.0),
    "rint": np.rint,
    "round32": lambda x: x.astype(np.float32),
    "sigmoid": _sigmoid,
    "sign": np.sign,
    "sqrt": np.sqrt,
    "square": np.square,
    "tanh": np.tanh,
}

OPS_OF_TWO: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "and": lambda a, b: (a != 0) & (b != 0),
    "div": np.divide,
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "mul": np.multiply,
    "or": lambda a, b: (a != 0) | (b != 0),
    "pow": np.power,
    "sub": np.subtract,
}


@meaning(*OPS_OF_ONE)
def _unary(node: Node, values: Values) -> Matrix:
    return OPS_OF_ONE[node.op](values[node.inputs[0]]).astype(np.float64)


@meaning(*OPS_OF_TWO)
def _binary(node: Node, values: Values) -> Matrix:
    a, b = (values[name] for name in node.inputs)
    return OPS_OF_TWO[node.op](a, b).astype(np.float64)


@meaning("where")
def _where(node: Node, values: Values) -> Matrix:
    condition, a, b = (values[name] for name in node.inputs)
    return np.where(condition != 0, a, b).astype(np.float64)


_PLAIN = {
    "abs": "Abs",
    "add": "Add",
    "ceil": "Ceil",
    "div": "Div",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "mul": "Mul",
    "neg": "Neg",
    "pow": "Pow",
    "relu": "Relu",
    "rint": "Round",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "sub": "Sub",
    "tanh": "Tanh",
}

_TRUTHS = {"equal": "Equal", "is_inf": "IsInf", "is_nan": "IsNaN", "less": "Less", "less_equal": "LessOrEqual"}

_LOGIC = {"and": "And", "not": "Not", "or": "Or"}


@emission(*_PLAIN)
def _emit_plain(network: Network, node: Node) -> None:
    inputs = [network.double(name) for name in node.inputs]
    network.set_double(node.output, network.node(_PLAIN[node.op], inputs))


@emission(*_TRUTHS)
def _emit_truth(network: Network, node: Node) -> None:
    inputs = [network.double(name) for name in node.inputs]
    network.set_truth(node.output, network.node(_TRUTHS[node.op], inputs))


@emission(*_LOGIC)
def _emit_logic(network: Network, node: Node) -> None:
    inputs = [network.truth(name) for name in node.inputs]
    network.set_truth(node.output, network.node(_LOGIC[node.op], inputs))


@emission("where")
def _emit_where(network: Network, node: Node) -> None:
    condition, a, b = node.inputs
    inputs = [network.truth(condition), network.double(a), network.double(b)]
    network.set_double(node.output, network.node("Where", inputs))


@emission("square")
def _emit_square(network: Network, node: Node) -> None:
    x = network.double(node.inputs[0])
    network.set_double(node.output, network.node("Mul", [x, x]))


@emission("round32")
def _emit_round32(network: Network, node: Node) -> None:
    single = network.node("Cast", [network.double(node.inputs[0])], to=np.float32)
    network.set_double(node.output, network.node("Cast", [single], to=np.float64))


@emission("sigmoid")
def _emit_sigmoid(network: Network, node: Node) -> None:
    """The runtime's own Sigmoid gives 0 for everything below -18 or so."""
    power = network.node("Exp", [network.node("Neg", [network.double(node.inputs[0])])])
    below = network.node("Add", [power, network.initializer(np.array([1.0]))])
    network.set_double(node.output, network.node("Reciprocal", [below]))


@emission("log1p")
def _emit_log1p(network: Network, node: Node) -> None:
    """ONNX has no log1p; log(1 + x) loses the digits of a small x, which the quotient gives back."""
    x = network.double(node.inputs[0])
    one = network.initializer(np.array([1.0]))
    u = network.node("Add", [x, one])
    rounded = network.node("Sub", [u, one])
    logarithm = network.node("Log", [u])
    corrected = network.node("Mul", [logarithm, network.node("Div", [x, rounded])])
    is_exact = network.node("Equal", [rounded, x])
    kept = network.node("Where", [is_exact, logarithm, corrected])
    network.set_double(node.output, network.node("Where", [network.node("Equal", [u, one]), x, kept]))


@emission("expm1")
def _emit_expm1(network: Network, node: Node) -> None:
    """As for log1p; above one half nothing is lost by the plain difference."""
    x = network.double(node.inputs[0])
    one = network.initializer(np.array([1.0]))
    u = network.node("Exp", [x])
    plain = network.node("Sub", [u, one])
    corrected = network.node("Mul", [plain, network.node("Div", [x, network.node("Log", [u])])])
    is_large = network.node("Less", [network.initializer(np.array([0.5])), network.node("Abs", [x])])
    kept = network.node("Where", [is_large, plain, corrected])
    network.set_double(node.output, network.node("Where", [network.node("Equal", [u, one]), x, kept]))
