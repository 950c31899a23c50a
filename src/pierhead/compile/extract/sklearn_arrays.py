"""How scikit-learn takes its input: checks that raise, and arithmetic in the precision of the array."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Feature, Value
from pierhead.compile.extract.graph import Graph


@dataclass(frozen=True, slots=True)
class Numbers:
    """A block of numbers as one array of `dtype` (`float64` or `float32`).

    Operations are those of NumPy in place: with a constant of another precision the operation is a double one, and its
    result is rounded. That is also what an operation of float32 with float32 comes to, because double has more than
    twice the digits.
    """

    graph: Graph
    value: Value
    dtype: str

    def sub(self, constant: ArrayLike) -> "Numbers":
        return self._like(self.graph.sub(self.value, _double(constant)))

    def add(self, constant: ArrayLike) -> "Numbers":
        return self._like(self.graph.add(self.value, _double(constant)))

    def mul(self, constant: ArrayLike) -> "Numbers":
        return self._like(self.graph.mul(self.value, _double(constant)))

    def div(self, constant: ArrayLike) -> "Numbers":
        return self._like(self.graph.div(self.value, _double(constant)))

    def clip(self, low: ArrayLike, high: ArrayLike) -> "Numbers":
        """NaN stays NaN."""
        graph = self.graph
        lower, upper = self.rounded(low), self.rounded(high)
        raised = graph.where(graph.binary("less", self.value, lower), lower, self.value)
        return Numbers(graph, graph.where(graph.binary("less", upper, raised), upper, raised), self.dtype)

    def of(self, value: Value) -> "Numbers":
        """`value`, which was computed in double, as it would have come out in this dtype."""
        return self._like(value)

    def rounded(self, constant: ArrayLike) -> NDArray[np.float64]:
        """The constant in this dtype."""
        return np.asarray(constant).astype(self.dtype).astype(np.float64)

    def block(self, is_sparse: bool = False) -> Block:
        return Block(self.value, (Feature(self.dtype),) * self.value.width, is_sparse=is_sparse)

    def _like(self, value: Value) -> "Numbers":
        return Numbers(self.graph, rounded_to(self.graph, value, self.dtype), self.dtype)


def _double(constant: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(constant, dtype=np.float64)


def rounded_to(graph: Graph, value: Value, dtype: str) -> Value:
    return graph.unary("round32", value) if dtype == "float32" else value


def finite(graph: Graph, block: Block) -> Numbers:
    """The block as floats; scikit-learn raises for NaN and infinities."""
    numbers = _numbers(graph, block)
    graph.decline_unless_finite(numbers.value)
    return numbers


def finite_or_nan(graph: Graph, block: Block) -> Numbers:
    """The block as floats; scikit-learn raises for infinities."""
    numbers = _numbers(graph, block)
    graph.decline_infinite(numbers.value)
    return numbers


def _numbers(graph: Graph, block: Block) -> Numbers:
    return Numbers(graph, block.value, block.float_dtype)


def picked(graph: Graph, block: Block, places: Sequence[int]) -> Block:
    """These columns of the block."""
    features = tuple(block.features[place] for place in places)
    return Block(graph.columns(block.value, places), features, block.is_frame, block.is_sparse)


def joined(graph: Graph, blocks: Sequence[Block], *, is_sparse: bool = False) -> Block:
    """Side by side as one array: all columns get the common dtype, unless there is text among them."""
    blocks = [block for block in blocks if block.width]
    if not blocks:
        raise NotCompilable("a step gives no column at all")
    value = graph.concat([block.value for block in blocks])
    features = tuple(feature for block in blocks for feature in block.features)
    joined_block = Block(value, features, is_sparse=is_sparse)
    if not any(feature.is_string for feature in features):
        return Block(value, (Feature(joined_block.dtype),) * len(features), is_sparse=is_sparse)
    return joined_block.unnamed()


def setting(fitted: Any, name: str, *known: Any) -> Any:
    """A parameter of an estimator. Raises NotCompilable unless it is one of `known`."""
    value = getattr(fitted, name)
    if not any(value is option or value == option for option in known):
        raise NotCompilable(f"{type(fitted).__name__} with {name}={value!r}")
    return value


def sklearn_version() -> tuple[int, int]:
    """Of the library that the model was loaded with."""
    major, minor = sys.modules["sklearn"].__version__.split(".")[:2]
    return int(major), int(minor)


def allows_nan(fitted: Any) -> bool:
    """Whether scikit-learn lets NaN through to this estimator."""
    if hasattr(fitted, "__sklearn_tags__"):
        return bool(fitted.__sklearn_tags__().input_tags.allow_nan)
    return bool(fitted._get_tags()["allow_nan"])
