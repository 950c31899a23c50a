"""scikit-learn: single trees, random forests, extra trees, isolation forests and random tree embeddings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, numbers, scalar
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of, predictor, transformer
from pierhead.compile.extract.sklearn_tree_parts import (
    classified,
    decline_what_raises,
    means_of,
    not_answered,
    predicted,
    shares_of,
    tree_of,
)
from pierhead.compile.extract.trees import LEAF, Tree, add_trees


@predictor(
    "sklearn.DecisionTreeClassifier",
    "sklearn.ExtraTreeClassifier",
    "sklearn.RandomForestClassifier",
    "sklearn.ExtraTreesClassifier",
)
def forest_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    trees = getattr(fitted, "estimators_", [fitted])
    shares = [shares_of(tree) for tree in trees]
    decline_what_raises(graph, fitted, block)
    if shares[0].shape[1] == 2:
        grown = [tree_of(tree, share[:, 1]) for tree, share in zip(trees, shares, strict=True)]
        return classified(graph, fitted, _mean(graph, block, grown, 1), want)
    grown = [tree_of(tree, share) for tree, share in zip(trees, shares, strict=True)]
    return classified(graph, fitted, _mean(graph, block, grown, shares[0].shape[1]), want)


@predictor(
    "sklearn.DecisionTreeRegressor",
    "sklearn.ExtraTreeRegressor",
    "sklearn.RandomForestRegressor",
    "sklearn.ExtraTreesRegressor",
)
def forest_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    decline_what_raises(graph, fitted, block)
    grown = [tree_of(tree, means_of(tree)) for tree in getattr(fitted, "estimators_", [fitted])]
    return predicted(fitted, _mean(graph, block, grown, fitted.n_outputs_), want)


def _mean(graph: Graph, block: Block, trees: list[Tree], targets: int) -> Value:
    total = add_trees(graph, block.value, trees, targets)
    return total if len(trees) == 1 else graph.div(total, float(len(trees)))


@predictor("sklearn.IsolationForest")
def isolation_forest(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    decline_what_raises(graph, fitted, block)
    trees = [
        tree_of(tree, _path_lengths(tree.tree_)).over(np.asarray(columns))
        for tree, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True)
    ]
    depth = add_trees(graph, block.value, trees)
    longest = len(trees) * float(_average_path_length(np.array([fitted.max_samples_]))[0])
    # One training sample has no path at all; the library then sets the quotient to 1.
    share = graph.div(depth, longest) if longest else graph.filled(1.0, like=block.value)
    score = graph.unary("neg", graph.binary("pow", 2.0, graph.unary("neg", share)))
    if want == "score_samples":
        return scalar(score)
    decision = graph.sub(score, float(fitted.offset_))
    if want == "decision_function":
        return scalar(decision)
    if want == "predict":
        return scalar(graph.where(graph.binary("less", decision, 0.0), -1.0, 1.0), "int64")
    raise not_answered(fitted, want)


def _path_lengths(grown: Any) -> NDArray[np.float64]:
    """How deep every node lies, and how much deeper its samples would lie if it were split to the end."""
    depth = np.zeros(grown.node_count)
    for node in range(grown.node_count):
        if grown.children_left[node] != LEAF:
            depth[[grown.children_left[node], grown.children_right[node]]] = depth[node] + 1
    return depth + _average_path_length(np.asarray(grown.n_node_samples))


def _average_path_length(samples: NDArray[Any]) -> NDArray[np.float64]:
    count = np.maximum(samples.astype(np.float64), 2.0)
    many = 2.0 * (np.log(np.maximum(count - 1.0, 1.0)) + np.euler_gamma) - 2.0 * (count - 1.0) / count
    return np.where(samples <= 1, 0.0, np.where(samples == 2, 1.0, many))


@transformer("sklearn.RandomTreesEmbedding")
def random_trees_embedding(graph: Graph, fitted: Any, block: Block) -> Block:
    """One column for every leaf that a training row ended in."""
    encoder = fitted.one_hot_encoder_
    if encoder.drop is not None:
        raise NotCompilable(f"{class_of(fitted)} drops columns")
    decline_what_raises(graph, fitted, block)
    trees = []
    width = 0
    for tree, leaves in zip(fitted.estimators_, encoder.categories_, strict=True):
        column = np.zeros(tree.tree_.node_count, dtype=np.int64)
        column[leaves] = width + np.arange(len(leaves))
        trees.append(tree_of(tree, np.ones(tree.tree_.node_count), column))
        width += len(leaves)
    return numbers(add_trees(graph, block.value, trees, width), is_sparse=bool(fitted.sparse_output))
