"""scikit-learn's support vector machines with kernels. They compute in double, whatever comes in."""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor
from pierhead.compile.extract.sklearn_arrays import finite
from pierhead.compile.extract.sklearn_responses import refused, scored

Matrix = NDArray[np.float64]


def _machine(graph: Graph, fitted: Any, block: Block, weights: Matrix, offset: Matrix) -> Value:
    """`kernel(x, vectors) @ weights + offset`."""
    x = finite(graph, block).value
    vectors = _dense(fitted.support_vectors_)
    if fitted.kernel == "linear":
        return graph.linear(x, vectors.T @ weights, offset)
    scores = graph.linear(_kernel(graph, fitted, x, vectors), weights, offset)
    # What libsvm makes of a score that is no number depends on the order of its comparisons.
    graph.decline_unless_finite(scores)
    return scores


def _kernel(graph: Graph, fitted: Any, x: Value, vectors: Matrix) -> Value:
    gamma = float(fitted._gamma)
    if fitted.kernel == "rbf":
        return graph.unary("exp", _distances(graph, x, vectors, -gamma))
    if fitted.kernel not in ("poly", "sigmoid"):
        raise NotCompilable(f"{type(fitted).__name__} with kernel={fitted.kernel!r}")
    product = graph.linear(x, gamma * vectors.T, np.full(len(vectors), float(fitted.coef0)))
    if fitted.kernel == "sigmoid":
        return graph.unary("tanh", product)
    return graph.binary("pow", product, [float(fitted.degree)])


def _distances(graph: Graph, x: Value, vectors: Matrix, scale: float) -> Value:
    """`scale * |x - vector|^2` by way of products; moved to the middle first, lest digits get lost far from 0."""
    middle = vectors.mean(axis=0)
    moved = graph.sub(x, middle)
    kept = vectors - middle
    length = graph.mul(graph.row("row_sum", graph.unary("square", moved)), [scale])
    return graph.add(graph.linear(moved, -2 * scale * kept.T, scale * np.sum(kept**2, axis=1)), length)


def _dense(matrix: Any) -> Matrix:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=np.float64)


@predictor("sklearn.NuSVR", "sklearn.SVR")
def support_vector_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    return scalar(_single(graph, fitted, block))


@predictor("sklearn.OneClassSVM")
def one_class_svm(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    scores = _single(graph, fitted, block)
    if want == "predict":
        return labelled(graph.binary("less", [0.0], scores), [-1, 1])
    if want == "decision_function":
        return scalar(scores)
    if want == "score_samples":
        return scalar(graph.add(scores, fitted.offset_))
    raise refused(fitted, want)


def _single(graph: Graph, fitted: Any, block: Block) -> Value:
    weights = _dense(fitted._dual_coef_).T
    return _machine(graph, fitted, block, weights, np.asarray(fitted._intercept_, dtype=np.float64))


@predictor("sklearn.NuSVC", "sklearn.SVC")
def support_vector_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    duels = _machine(graph, fitted, block, _duel_weights(fitted), np.asarray(fitted._intercept_, dtype=np.float64))
    count = len(fitted.classes_)
    if want == "decision_function":
        return _decision(graph, fitted, duels)
    if want != "predict":
        raise refused(fitted, want)
    if fitted.break_ties and count > 2:
        return labelled(graph.row("argmax", _decision(graph, fitted, duels).value), fitted.classes_)
    if count == 2:
        return labelled(graph.binary("less_equal", duels, [0.0]), fitted.classes_)
    return labelled(graph.row("argmax", _votes(graph, graph.binary("less", [0.0], duels), count)), fitted.classes_)


def _duel_weights(fitted: Any) -> Matrix:
    """Of every vector in every duel of two classes: libsvm keeps for a vector one weight against each other class."""
    stored = _dense(fitted._dual_coef_)
    ends = np.cumsum([0, *fitted._n_support])
    pairs = list(combinations(range(len(fitted.classes_)), 2))
    weights = np.zeros((stored.shape[1], len(pairs)))
    for column, (a, b) in enumerate(pairs):
        weights[ends[a] : ends[a + 1], column] = stored[b - 1, ends[a] : ends[a + 1]]
        weights[ends[b] : ends[b + 1], column] = stored[a, ends[b] : ends[b + 1]]
    return weights


def _votes(graph: Graph, first_wins: Value, count: int) -> Value:
    """How many duels each class won, of `first_wins` `[rows, duels]`."""
    gains = np.zeros((first_wins.width, count))
    losses = np.zeros(count)
    for row, (a, b) in enumerate(combinations(range(count), 2)):
        gains[row, a], gains[row, b] = 1.0, -1.0
        losses[b] += 1.0
    return graph.linear(first_wins, gains, losses)


def _decision(graph: Graph, fitted: Any, duels: Value) -> Outcome:
    count = len(fitted.classes_)
    if count == 2:
        return scalar(graph.unary("neg", duels))
    if fitted.decision_function_shape == "ovo":
        return vector(duels)
    sums = np.zeros((duels.width, count))
    for row, (a, b) in enumerate(combinations(range(count), 2)):
        sums[row, a], sums[row, b] = 1.0, -1.0
    confidence = graph.linear(duels, sums)
    scaled = graph.div(confidence, graph.mul(graph.add(graph.unary("abs", confidence), [1.0]), [3.0]))
    first_wins = graph.binary("less_equal", [0.0], duels)
    return scored(graph.add(_votes(graph, first_wins, count), scaled))
