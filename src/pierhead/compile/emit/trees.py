"""The `trees` op: evaluated with NumPy, and as TreeEnsemble nodes (ai.onnx.ml 5), all in double precision."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper

from pierhead.compile.domain.program import Matrix, Node, NotCompilable
from pierhead.compile.domain.trees import LEQ, LT, MEMBER, TreeArrays, trees_of
from pierhead.compile.emit.ops import Network, Values, emission, meaning

_ROWS_AT_ONCE = 2048

# Of ONNX's node modes: x <= t, x < t, x in a set.
_ONNX_MODES = np.array([0, 1, 6], dtype=np.uint8)
_SUM = 1
_NO_TRANSFORM = 0

# Numbers of one row that leaves with whole rows of values lay out between nodes: 10,000 rows stay below 100 MB.
_NUMBERS_AT_ONCE = 1024


@meaning("trees")
def _trees(node: Node, values: Values) -> Matrix:
    """`targets` columns: see `TreeArrays`, which the constants named after the output make up.

    Trees are added in their order. `is_single`: the input and the sums are in single precision.
    """
    trees, x = trees_of(node.output, values), values[node.inputs[0]]
    return evaluate_trees(trees, x, node.attributes["targets"], is_single=node.attributes.get("is_single", False))


def evaluate_trees(trees: TreeArrays, x: Matrix, targets: int, *, is_single: bool = False) -> Matrix:
    """The sum of all trees' leaves for every row of `x`: `[rows, targets]`."""
    total = np.zeros((len(x), targets), dtype=np.float32 if is_single else np.float64)
    if is_single:
        x = x.astype(np.float32).astype(np.float64)
    leaf_value = trees.leaf_value.astype(total.dtype)
    for start in range(0, len(x), _ROWS_AT_ONCE):
        part = total[start : start + _ROWS_AT_ONCE]
        leaves = _leaves(trees, x[start : start + _ROWS_AT_ONCE])
        for tree in range(leaves.shape[1]):
            leaf = leaves[:, tree]
            if trees.adds_rows:
                part += leaf_value[leaf]
            else:
                part[np.arange(len(part)), trees.leaf_target[leaf]] += leaf_value[leaf]
    return total.astype(np.float64)


def _leaves(trees: TreeArrays, x: Matrix) -> NDArray[np.int64]:
    """The leaf every row ends in, for every tree: `[rows, trees]`."""
    at = np.tile(trees.roots, (len(x), 1))
    rows, columns = np.nonzero(at >= 0)
    while len(rows):
        node = at[rows, columns]
        value = x[rows, trees.feature[node]]
        goes_left = np.where(np.isnan(value), trees.nan_left[node], _is_left(trees, node, value))
        at[rows, columns] = np.where(goes_left, trees.left[node], trees.right[node])
        going_on = at[rows, columns] >= 0
        rows, columns = rows[going_on], columns[going_on]
    return -1 - at


def _is_left(trees: TreeArrays, node: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    threshold, mode = trees.threshold[node], trees.mode[node]
    result = np.where(mode == LT, value < threshold, value <= threshold)
    asked = np.flatnonzero(mode == MEMBER)
    if len(asked):
        result[asked] = _is_member(trees, threshold[asked], value[asked])
    return result


def _is_member(trees: TreeArrays, number: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    span = float(trees.set_values.max(initial=0)) + 1
    owner = np.repeat(np.arange(len(trees.set_starts) - 1), np.diff(trees.set_starts))
    known = owner * span + trees.set_values
    return np.isin(number * span + value, known) & (value >= 0) & (value < span)


@emission("trees")
def _emit_trees(network: Network, node: Node) -> None:
    names = [f"{node.output}.{item.name}" for item in fields(TreeArrays)]
    trees = trees_of(node.output, {name: network.constant(name) for name in names})
    x = network.double(node.inputs[0])
    targets = node.attributes["targets"]
    if node.attributes.get("is_single", False):
        if trees.adds_rows:
            raise NotCompilable("trees with rows of numbers in single precision")
        single = network.node("Cast", [x], to=np.float32)
        total = _ensemble(network, single, trees, targets, np.float32)
        network.set_double(node.output, network.node("Cast", [total], to=np.float64))
    elif trees.adds_rows:
        network.set_double(node.output, _emit_rows(network, trees, x))
    else:
        network.set_double(node.output, _ensemble(network, x, trees, targets))


def _emit_rows(network: Network, trees: TreeArrays, x: str) -> str:
    """A TreeEnsemble's leaf has one number only: let it be the leaf's own, and look its row up.

    Every tree is a target of its own, `[rows, trees]` leaf numbers; Gather makes `[rows, trees, targets]` of them.
    """
    axis = network.initializer(np.array([1], dtype=np.int64))
    size = max(1, _NUMBERS_AT_ONCE // trees.leaf_value.shape[1])
    sums = []
    for start in range(0, len(trees.roots), size):
        part = _part(trees, start, start + size)
        leaves = _ensemble(network, x, _numbered(part), len(part.roots))
        table = network.initializer(part.leaf_value)
        rows = network.node("Gather", [table, network.node("Cast", [leaves], to=np.int64)], axis=0)
        sums.append(network.node("ReduceSum", [rows, axis], keepdims=0))
    return sums[0] if len(sums) == 1 else network.node("Sum", sums)


def _owners(trees: TreeArrays) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tree of every inner node, and the tree of every leaf."""
    of_node = np.zeros(len(trees.feature), dtype=np.int64)
    of_leaf = np.zeros(len(trees.leaf_value), dtype=np.int64)
    at, owner = trees.roots, np.arange(len(trees.roots))
    while len(at):
        is_leaf = at < 0
        of_leaf[-1 - at[is_leaf]] = owner[is_leaf]
        at, owner = at[~is_leaf], owner[~is_leaf]
        of_node[at] = owner
        at, owner = np.concatenate([trees.left[at], trees.right[at]]), np.concatenate([owner, owner])
    return of_node, of_leaf


def _part(trees: TreeArrays, start: int, end: int) -> TreeArrays:
    """The trees from `start` to before `end`, with their own numbering."""
    if start == 0 and end >= len(trees.roots):
        return trees
    of_node, of_leaf = _owners(trees)
    nodes = (of_node >= start) & (of_node < end)
    leaves = (of_leaf >= start) & (of_leaf < end)

    def renumbered(place: NDArray[np.int64]) -> NDArray[np.int64]:
        new_node, new_leaf = np.cumsum(nodes) - 1, np.cumsum(leaves) - 1
        result = np.empty_like(place)
        is_leaf = place < 0
        result[is_leaf] = -1 - new_leaf[-1 - place[is_leaf]]
        result[~is_leaf] = new_node[place[~is_leaf]]
        return result

    return replace(
        trees,
        feature=trees.feature[nodes],
        threshold=trees.threshold[nodes],
        mode=trees.mode[nodes],
        left=renumbered(trees.left[nodes]),
        right=renumbered(trees.right[nodes]),
        nan_left=trees.nan_left[nodes],
        roots=renumbered(trees.roots[start:end]),
        leaf_value=trees.leaf_value[leaves],
    )


def _numbered(trees: TreeArrays) -> TreeArrays:
    """The same trees with the leaves' numbers for values, every tree in a column of its own."""
    _, of_leaf = _owners(trees)
    return replace(trees, leaf_target=of_leaf, leaf_value=np.arange(len(of_leaf), dtype=np.float64))


def _ensemble(
    network: Network, x: str, trees: TreeArrays, targets: int, dtype: type[np.floating[Any]] = np.float64
) -> str:
    """With one thread the runtime adds the trees in their order, in the precision `dtype` of the matrix `x`."""
    trees = _with_splits_only(trees)
    splits = np.where(trees.mode == MEMBER, 0.0, trees.threshold)
    attributes: dict[str, Any] = {
        "aggregate_function": _SUM,
        "post_transform": _NO_TRANSFORM,
        "n_targets": targets,
        "nodes_featureids": trees.feature.tolist(),
        "nodes_splits": numpy_helper.from_array(_rounded_down(splits, dtype)),
        "nodes_modes": numpy_helper.from_array(_ONNX_MODES[trees.mode]),
        "tree_roots": trees.roots.tolist(),
        "leaf_targetids": trees.leaf_target.tolist(),
        "leaf_weights": numpy_helper.from_array(trees.leaf_value.astype(dtype)),
    }
    for side, child in (("true", trees.left), ("false", trees.right)):
        attributes[f"nodes_{side}nodeids"] = np.where(child < 0, -1 - child, child).tolist()
        attributes[f"nodes_{side}leafs"] = (child < 0).astype(int).tolist()
    if trees.nan_left.any():
        attributes["nodes_missing_value_tracks_true"] = trees.nan_left.astype(int).tolist()
    sets = [int(number) for number in trees.threshold[trees.mode == MEMBER]]
    if sets:
        values = [np.append(trees.members(number), np.nan) for number in sets]
        attributes["membership_values"] = numpy_helper.from_array(np.concatenate(values).astype(dtype))
    return network.node("TreeEnsemble", [x], domain="ai.onnx.ml", **attributes)


def _rounded_down(bounds: NDArray[np.float64], dtype: type[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """What is <= the bound in this precision is <= the result, and nothing else is."""
    with np.errstate(over="ignore", under="ignore"):
        near = bounds.astype(dtype)
        lower = np.nextafter(near, np.array(-np.inf, dtype=dtype))
    return np.asarray(np.where(near > bounds, lower, near))


def _with_splits_only(trees: TreeArrays) -> TreeArrays:
    """Trees that are a single leaf become a split with that leaf on both sides.

    The operator has no other way to write them, and runtimes take a root whose children are one and the same leaf for a
    leaf with the root's number: so the second side is a leaf of its own.
    """
    single = np.flatnonzero(trees.roots < 0)
    if not len(single):
        return trees
    leaves = -1 - trees.roots[single]
    nodes, copies = len(trees.feature), len(trees.leaf_value)
    places = np.arange(len(single))
    roots = trees.roots.copy()
    roots[single] = nodes + places
    zeros = np.zeros(len(single), dtype=np.int64)
    return replace(
        trees,
        feature=np.concatenate([trees.feature, zeros]),
        threshold=np.concatenate([trees.threshold, zeros.astype(np.float64)]),
        mode=np.concatenate([trees.mode, np.full(len(single), LEQ, dtype=np.uint8)]),
        left=np.concatenate([trees.left, -1 - leaves]),
        right=np.concatenate([trees.right, -1 - (copies + places)]),
        nan_left=np.concatenate([trees.nan_left, zeros.astype(np.bool_)]),
        roots=roots,
        leaf_target=np.concatenate([trees.leaf_target, trees.leaf_target[leaves]]),
        leaf_value=np.concatenate([trees.leaf_value, trees.leaf_value[leaves]]),
    )
