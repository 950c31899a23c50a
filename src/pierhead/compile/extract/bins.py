"""Counting the edges at or below a number, by trees that halve them."""

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.trees import LT, TreeArrays


def counting_trees(edges: NDArray[np.float64]) -> TreeArrays:
    """Column `k` of the trees' value: how many edges of row `k` (ascending, NaN is none) are <= column `k`; 0 for NaN.

    A tree looks at as many edges as their number has binary digits, and needs no memory for a row.
    """
    rows = [row[~np.isnan(row)] for row in edges]
    starts = np.cumsum([0, *(len(row) for row in rows)])
    left: list[NDArray[np.int64]] = []
    right: list[NDArray[np.int64]] = []
    roots: list[int] = []
    for row, start in zip(rows, starts, strict=False):
        # Of this tree, leaf `k` is for `k` edges; a tree has one leaf more than it has edges.
        first_leaf = int(start) + len(roots)
        children, root = _halves(len(row), int(start), first_leaf)
        left.append(children[:, 0])
        right.append(children[:, 1])
        roots.append(root)
    counts = [np.arange(len(row) + 1) for row in rows]
    nodes = int(starts[-1])
    return TreeArrays(
        feature=np.repeat(np.arange(len(rows)), [len(row) for row in rows]),
        threshold=np.concatenate(rows),
        mode=np.full(nodes, LT, dtype=np.uint8),
        left=np.concatenate(left),
        right=np.concatenate(right),
        nan_left=np.ones(nodes, dtype=np.bool_),
        roots=np.array(roots, dtype=np.int64),
        leaf_target=np.repeat(np.arange(len(rows)), [len(count) for count in counts]),
        leaf_value=np.concatenate(counts).astype(np.float64),
        set_values=np.zeros(0, dtype=np.int64),
        set_starts=np.zeros(1, dtype=np.int64),
    )


def _halves(count: int, first_node: int, first_leaf: int) -> tuple[NDArray[np.int64], int]:
    """Children `[count, 2]` of the nodes of a tree, node `k` of which compares with edge `k`; and its root."""
    children = np.zeros((count, 2), dtype=np.int64)

    def root_of(low: int, high: int) -> int:
        if low == high:
            return -1 - (first_leaf + low)
        middle = (low + high) // 2
        children[middle] = root_of(low, middle), root_of(middle + 1, high)
        return first_node + middle

    return children, root_of(0, count)
