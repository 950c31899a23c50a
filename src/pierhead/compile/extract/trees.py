"""The normal form of tree ensembles: what the libraries' trees become before they are packed into one `trees` node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.domain.trees import LEQ, MEMBER, TreeArrays
from pierhead.compile.extract.blocks import Value
from pierhead.compile.extract.graph import Graph

LEAF = -1

# Largest size of the trees of one model; what is beyond belongs to a machine with more memory than a worker has.
_MOST_NODES = 20_000_000

_LARGEST_MEMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree as arrays over its nodes; node 0 is the root, a leaf's `left` is LEAF.

    `mode` as in `TreeArrays`; a MEMBER node's set is `sets[node]`. `values` are `[nodes]`, added to the column `target`
    (one for all or one a node), or `[nodes, targets]`; only the leaves' count.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    nan_left: NDArray[np.bool_]
    values: NDArray[np.float64]
    target: int | NDArray[np.int64] = 0
    mode: NDArray[np.uint8] | None = None
    sets: Mapping[int, NDArray[np.int64]] = field(default_factory=dict)
    zero_missing: NDArray[np.bool_] | None = None
    """Nodes for which zero is missing; see `tree_columns.Columns.with_zero_missing`."""

    def scaled(self, factor: float) -> "Tree":
        return replace(self, values=self.values * factor)

    def over(self, columns: NDArray[np.int64]) -> "Tree":
        """The same tree over a wider matrix, in which its column `j` is `columns[j]`."""
        return replace(self, feature=np.where(self.left == LEAF, 0, np.asarray(columns)[self.feature]))


def at_most_32(threshold: ArrayLike) -> NDArray[np.float64]:
    """The bound `b` for which `float32(x) <= threshold` is the same as `x <= b`, for every double x.

    Libraries that round their input to single precision are followed without rounding: the bounds take it in.

    >>> threshold = np.float64(0.1)
    >>> bound = at_most_32(threshold)
    >>> bool(np.float32(bound) <= threshold), bool(np.float32(np.nextafter(bound, 1)) <= threshold)
    (True, False)
    """
    wanted = np.asarray(threshold, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        below = wanted.astype(np.float32)
        below = np.where(below.astype(np.float64) > wanted, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf))
        middle = (_wide(below) + _wide(above)) / 2
        middle = np.where(middle.astype(np.float32) <= below, middle, np.nextafter(middle, -np.inf))
    return np.where(np.isposinf(below), np.inf, middle)


def below(threshold: ArrayLike) -> NDArray[np.float64]:
    """The bound `b` for which `x < threshold` is the same as `x <= b`. Minus infinity has none.

    Raises NotCompilable for minus infinity.
    """
    wanted = np.asarray(threshold, dtype=np.float64)
    if np.any(np.isneginf(wanted)):
        raise NotCompilable("a tree splits at minus infinity")
    with np.errstate(over="ignore", under="ignore"):
        return np.nextafter(wanted, -np.inf)


def below_32(threshold: ArrayLike) -> NDArray[np.float64]:
    """The bound `b` for which `float32(x) < threshold` is the same as `x <= b`. Raises NotCompilable as `below`."""
    return at_most_32(below(threshold))


def leaf(value: ArrayLike, target: int = 0) -> Tree:
    """A tree that adds the same to every row: a number to the column `target`, or a row of numbers."""
    none = np.full(1, LEAF, dtype=np.int64)
    values = np.asarray(value, dtype=np.float64)[np.newaxis]
    return Tree(np.zeros(1, dtype=np.int64), np.zeros(1), none, none, np.zeros(1, dtype=np.bool_), values, target)


def add_trees(
    graph: Graph,
    x: Value,
    trees: Sequence[Tree],
    targets: int = 1,
    base: ArrayLike | None = None,
    *,
    is_single: bool = False,
) -> Value:
    """`base` `[targets]`, or zero, and the sum over `trees`: `[rows, targets]`.

    It starts with the base and adds the trees in their order, as the libraries do, so that sums come out to the bit;
    `is_single`: in single precision, of input in single precision.
    """
    start = np.zeros(targets) if base is None else np.asarray(base, dtype=np.float64)
    if not trees:
        return graph.add(graph.filled(0.0, like=x, width=targets), start)
    if trees[0].values.ndim == 2:
        trees = [leaf(start), *trees] if start.any() else trees
    else:
        trees = [*(leaf(start[target], int(target)) for target in np.flatnonzero(start)), *trees]
    arrays = pack(trees)
    used = int(arrays.feature.max(initial=-1))
    if used >= x.width:
        raise NotCompilable(f"a tree asks for column {used} of {x.width}")
    value = graph.op("trees", x, width=targets, targets=targets, is_single=is_single)
    for name, array in arrays.named(value.name).items():
        graph.constant(array, name)
    return value


def pack(trees: Sequence[Tree]) -> TreeArrays:
    """All trees behind each other. Raises NotCompilable if they are too many for a worker."""
    if sum(len(tree.left) for tree in trees) > _MOST_NODES:
        raise NotCompilable(f"its trees have more than {_MOST_NODES:,} nodes")
    parts: list[TreeArrays] = []
    nodes = leaves = sets = 0
    for tree in trees:
        part = _packed(tree, nodes, leaves, sets)
        parts.append(part)
        nodes += len(part.feature)
        leaves += len(part.leaf_value)
        sets += len(part.set_starts) - 1
    ends = np.cumsum([0, *(size for part in parts for size in np.diff(part.set_starts))])
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in TreeArrays.__dataclass_fields__
        if name != "set_starts"
    }
    return TreeArrays(**joined, set_starts=ends.astype(np.int64))


def _packed(tree: Tree, nodes: int, leaves: int, sets: int) -> TreeArrays:
    """One tree, numbered after `nodes` inner nodes, `leaves` leaves and `sets` sets."""
    is_leaf = tree.left == LEAF
    inner = np.flatnonzero(~is_leaf)
    number = np.where(is_leaf, -1 - (leaves + np.cumsum(is_leaf) - 1), nodes + np.cumsum(~is_leaf) - 1)
    threshold = np.asarray(tree.threshold, dtype=np.float64)[inner]
    mode = np.full(len(inner), LEQ, dtype=np.uint8) if tree.mode is None else tree.mode[inner]
    mode, members = _sets(tree, inner, mode)
    threshold[mode == MEMBER] = sets + np.arange(len(members))
    threshold[_is_empty(tree, inner)] = np.nan
    values = np.asarray(tree.values, dtype=np.float64)[is_leaf]
    target = np.broadcast_to(tree.target, is_leaf.shape)[is_leaf if values.ndim == 1 else slice(0)]
    return TreeArrays(
        feature=tree.feature[inner].astype(np.int64),
        threshold=threshold,
        mode=mode.astype(np.uint8),
        left=number[tree.left[inner]].astype(np.int64),
        right=number[tree.right[inner]].astype(np.int64),
        nan_left=tree.nan_left[inner].astype(np.bool_),
        roots=number[:1].astype(np.int64),
        leaf_target=target.astype(np.int64),
        leaf_value=values,
        set_values=np.concatenate([np.zeros(0, dtype=np.int64), *members]),
        set_starts=np.cumsum([0, *(len(group) for group in members)]).astype(np.int64),
    )


def _sets(
    tree: Tree, inner: NDArray[np.int64], mode: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], list[NDArray[np.int64]]]:
    """The modes, and the sets that MEMBER nodes ask for. Nothing is in an empty set, nor is anything <= NaN."""
    modes = np.where(_is_empty(tree, inner), LEQ, mode).astype(np.uint8)
    members = [np.unique(tree.sets[int(inner[place])]) for place in np.flatnonzero(modes == MEMBER)]
    if any(group[0] < 0 or group[-1] > _LARGEST_MEMBER for group in members):
        raise NotCompilable("a tree asks for categories that are no 31-bit whole numbers")
    return modes, [group.astype(np.int64) for group in members]


def _is_empty(tree: Tree, inner: NDArray[np.int64]) -> NDArray[np.bool_]:
    empty = [node for node, group in tree.sets.items() if not len(group)]
    return np.isin(inner, empty)


def _wide(single: NDArray[np.float32]) -> NDArray[np.float64]:
    """As doubles, the infinities as the next power of two: halfway to it is where rounding starts to overflow."""
    double = single.astype(np.float64)
    return np.where(np.isinf(double), np.copysign(2.0**128, double), double)
