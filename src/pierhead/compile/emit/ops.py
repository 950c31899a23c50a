"""Every op of a program has two meanings, said side by side: what NumPy computes for it, and its ONNX nodes.

A family of ops is a module here that registers both:

    @meaning("add")
    def _add(node: Node, values: Values) -> Matrix: ...

    @emission("add")
    def _emit_add(network: Network, node: Node) -> None: ...

`values` holds `x`, the constants and every earlier output by name. What the first one says is what the op means; the
property test keeps the second equal to it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from numpy.typing import NDArray

from pierhead.compile.domain.program import Matrix, Node, NotCompilable

Values = Mapping[str, NDArray[Any]]


class Network(Protocol):
    """The ONNX graph under construction. Tensors are named; a program's value has up to three of them."""

    def double(self, value: str) -> str:
        """The value as float64 `[rows, width]`, or the constant of this name."""

    def truth(self, value: str) -> str:
        """The value as booleans: whether it is not 0."""

    def index(self, value: str) -> str:
        """The value as int64."""

    def constant(self, name: str) -> NDArray[Any]:
        """The program's constant of this name. Raises KeyError."""

    def initializer(self, array: NDArray[Any]) -> str:
        """A constant tensor; equal ones are stored once."""

    def node(self, op_type: str, inputs: Sequence[str], *, domain: str = "", **attributes: Any) -> str:
        """Append a node; returns the name of its only output."""

    def nodes(
        self, op_type: str, inputs: Sequence[str], count: int, *, domain: str = "", **attributes: Any
    ) -> tuple[str, ...]:
        """Append a node with `count` outputs; returns their names."""

    def set_double(self, value: str, tensor: str) -> None: ...

    def set_truth(self, value: str, tensor: str) -> None: ...

    def set_index(self, value: str, tensor: str) -> None: ...


Meaning = Callable[[Node, Values], Matrix]
Emission = Callable[[Network, Node], None]

_NO_FAMILIES = {"artifact", "evaluate", "network", "ops"}

_meanings: dict[str, Meaning] = {}
_emissions: dict[str, Emission] = {}


def meaning(*ops: str) -> Callable[[Meaning], Meaning]:
    def register(function: Meaning) -> Meaning:
        _meanings.update(dict.fromkeys(ops, function))
        return function

    return register


def emission(*ops: str) -> Callable[[Emission], Emission]:
    def register(function: Emission) -> Emission:
        _emissions.update(dict.fromkeys(ops, function))
        return function

    return register


def meaning_of(op: str) -> Meaning:
    """Raises NotCompilable."""
    _load_families()
    if op not in _meanings:
        raise NotCompilable(f"operation {op!r} is not known")
    return _meanings[op]


def emission_of(op: str) -> Emission:
    """Raises NotCompilable."""
    _load_families()
    if op not in _emissions:
        raise NotCompilable(f"operation {op!r} cannot be written as ONNX")
    return _emissions[op]


@cache
def _load_families() -> None:
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in _NO_FAMILIES:
            importlib.import_module(f"{__package__}.{module.name}")
