"""The columns that trees ask for, where a library changes them on the way: missing values, categories, names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.domain.trees import MEMBER
from pierhead.compile.extract.blocks import Block, Value
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.trees import LEAF, Tree

# LightGBM's zero: numbers this close to it are taken for it.
ZERO = float(np.float32(1e-35))

# A double from here on rounds to an infinite float32.
_BEYOND_SINGLE = 2.0**128 - 2.0**103


class Columns:
    """The matrix that trees look at, made of a block of numbers. Raises NotCompilable if there is text in it."""

    def __init__(self, graph: Graph, block: Block) -> None:
        self._graph = graph
        self._rounds = block.float_dtype == "float64"
        self.value: Value = block.value

    def replace_by_nan(self, number: float, *, is_single: bool = False) -> None:
        """Make this number missing; `is_single`: after rounding to float32."""
        graph = self._graph
        seen = graph.unary("round32", self.value) if is_single and self._rounds else self.value
        self.value = graph.where(graph.binary("equal", seen, np.full(1, number)), np.full(1, np.nan), self.value)

    def round_to_single(self) -> None:
        if self._rounds:
            self.value = self._graph.unary("round32", self.value)
            self._rounds = False

    def with_zero_missing(self, trees: Sequence[Tree]) -> list[Tree]:
        """The trees over a wider matrix, in which zero is missing for the nodes that say so."""
        asked = _columns(trees, "zero")
        if not asked:
            return list(trees)
        graph = self._graph
        chosen = graph.columns(self.value, asked)
        is_zero = graph.binary("less_equal", graph.unary("abs", chosen), np.full(1, ZERO))
        return self._moved(trees, "zero", asked, graph.where(is_zero, np.full(1, np.nan), chosen))

    def with_categories(
        self, trees: Sequence[Tree], *, is_single: bool = False, rounds_to_zero: bool = False
    ) -> list[Tree]:
        """The trees over a wider matrix, in which categories are whole numbers, as membership needs them.

        Codes are rounded down, or to zero; `is_single`: after rounding to float32.
        """
        asked = _columns(trees, "sets")
        if not asked:
            return list(trees)
        graph = self._graph
        codes = graph.columns(self.value, asked)
        if is_single and self._rounds:
            codes = graph.unary("round32", codes)
        whole = graph.unary("floor", codes)
        if rounds_to_zero:
            whole = graph.where(graph.binary("less", codes, np.zeros(1)), graph.unary("ceil", codes), whole)
        return self._moved(trees, "sets", asked, whole)

    def _moved(self, trees: Sequence[Tree], which: str, asked: list[int], made: Value) -> list[Tree]:
        place = np.arange(self.value.width)
        place[asked] = self.value.width + np.arange(len(asked))
        self.value = self._graph.concat([self.value, made])
        return [
            replace(tree, feature=np.where(_nodes(tree, which), place[tree.feature], tree.feature)) for tree in trees
        ]


def _nodes(tree: Tree, which: str) -> NDArray[np.bool_]:
    """The inner nodes that ask for membership (`sets`), or take zero for missing (`zero`)."""
    if which == "sets":
        flags = np.zeros(len(tree.left), dtype=np.bool_) if tree.mode is None else tree.mode == MEMBER
    else:
        flags = np.zeros(len(tree.left), dtype=np.bool_) if tree.zero_missing is None else tree.zero_missing
    return np.asarray(flags & (tree.left != LEAF))


def _columns(trees: Sequence[Tree], which: str) -> list[int]:
    return sorted({int(column) for tree in trees for column in tree.feature[_nodes(tree, which)]})


def check_names(block: Block, names: Sequence[str] | None, library: str) -> None:
    """Raises NotCompilable if the columns are not those of the training, in order: the library raises then."""
    if not names or not block.is_frame or list(names) == list(block.names):
        return
    raise NotCompilable(
        f"it was trained on columns {', '.join(names[:5])} ... and the signature gives"
        f" {', '.join(str(name) for name in block.names[:5])} ...: {library} raises"
    )


def with_rest(graph: Graph, second: Value) -> Value:
    """Both classes' probabilities, of the second one's."""
    return graph.linear(second, [[-1.0, 1.0]], [1.0, 0.0])


def likeliest(graph: Graph, shares: Value) -> Value:
    """The place of the largest probability, the first of equals; one column is the second of two classes."""
    return graph.binary("less", np.full(1, 0.5), shares) if shares.width == 1 else graph.row("argmax", shares)


def decline_infinite(graph: Graph, block: Block, *, is_single: bool = True) -> None:
    """Leave rows with an infinite number to the original; `is_single`: infinite when it is rounded to float32."""
    value = _fractions(graph, block, is_single)
    if value is not None:
        graph.decline_infinite(value)


def decline_unless_finite(graph: Graph, block: Block, *, is_single: bool = True) -> None:
    """Leave rows with a missing or infinite number to the original; `is_single` as above."""
    value = _fractions(graph, block, is_single)
    if value is not None:
        graph.decline_unless_finite(value)


def _fractions(graph: Graph, block: Block, is_single: bool) -> Value | None:
    """The columns that may be infinite; if `is_single`, so large that they are infinite where a float32 would be."""
    is_double = block.float_dtype == "float64"
    places = [place for place, feature in enumerate(block.features) if feature.dtype in ("float64", "float32")]
    if not places:
        return None
    value = graph.columns(block.value, places)
    if not (is_single and is_double):
        return value
    return graph.mul(value, float(np.finfo(np.float64).max) / _BEYOND_SINGLE)
