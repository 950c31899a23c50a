"""scikit-learn's models of a Gaussian for every class or component, and its projection by classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Feature, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor, transformer
from pierhead.compile.extract.sklearn_arrays import finite
from pierhead.compile.extract.sklearn_likelihoods import log_sum, normalized
from pierhead.compile.extract.sklearn_responses import refused


def squared_lengths(
    graph: Graph, x: Value, centers: NDArray[np.float64], axes: "list[NDArray[np.float64]]", scale: float, offset: Any
) -> Value:
    """`scale * |(x - center) @ axes|^2 + offset` for every center; one column each."""
    width = x.width
    repeated = graph.columns(x, list(range(width)) * len(centers))
    moved = graph.sub(repeated, centers.reshape(-1))
    turned = _turned(graph, moved, axes)
    sizes = [matrix.shape[1] for matrix in axes]
    total = np.zeros((sum(sizes), len(axes)))
    total[np.arange(sum(sizes)), np.repeat(np.arange(len(axes)), sizes)] = scale
    return graph.linear(graph.unary("square", turned), total, offset)


def _turned(graph: Graph, moved: Value, axes: "list[NDArray[np.float64]]") -> Value:
    width = axes[0].shape[0]
    if all(matrix.shape[1] == width and not np.any(matrix - np.diag(np.diag(matrix))) for matrix in axes):
        return graph.mul(moved, np.concatenate([np.diag(matrix) for matrix in axes]))
    parts = []
    for place, matrix in enumerate(axes):
        piece = graph.columns(moved, range(place * width, (place + 1) * width))
        parts.append(graph.linear(piece, matrix))
    return graph.concat(parts)


def posterior(graph: Graph, fitted: Any, scores: Value, want: str) -> Outcome:
    """Answers of a classifier from its joint log likelihood, one column for every class."""
    if want == "predict":
        return labelled(graph.row("argmax", scores), fitted.classes_)
    return shares_of(graph, fitted, graph.op("log_softmax", scores, width=scores.width), want)


def shares_of(graph: Graph, fitted: Any, logs: Value, want: str) -> Outcome:
    """Probabilities or their logarithms from the logarithms."""
    if want == "predict_log_proba":
        return vector(logs)
    if want == "predict_proba":
        return vector(graph.unary("exp", logs))
    raise refused(fitted, want)


@predictor("sklearn.QuadraticDiscriminantAnalysis")
def quadratic_discriminant_analysis(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    numbers = finite(graph, block)
    axes = [rotation * scaling**-0.5 for rotation, scaling in zip(fitted.rotations_, fitted.scalings_, strict=True)]
    spread = np.array([np.sum(np.log(scaling)) for scaling in fitted.scalings_])
    offset = -0.5 * spread + np.log(fitted.priors_)
    scores = squared_lengths(graph, numbers.value, np.asarray(fitted.means_, dtype=np.float64), axes, -0.5, offset)
    if want != "decision_function":
        return posterior(graph, fitted, scores, want)
    if scores.width == 2:
        return scalar(graph.sub(graph.columns(scores, [1]), graph.columns(scores, [0])))
    return vector(scores)


@transformer("sklearn.LinearDiscriminantAnalysis")
def discriminant_projection(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite(graph, block)
    if fitted.solver not in ("svd", "eigen"):
        raise refused(fitted, f"transform with solver={fitted.solver!r}")
    moved = graph.sub(numbers.value, fitted.xbar_) if fitted.solver == "svd" else numbers.value
    made = graph.linear(moved, np.asarray(fitted.scalings_)[:, : fitted._max_components])
    return Block(made, (Feature("float64"),) * made.width)


@predictor("sklearn.GaussianMixture", "sklearn.BayesianGaussianMixture")
def gaussian_mixture(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if type(fitted).__name__ != "GaussianMixture":
        raise NotCompilable("BayesianGaussianMixture")
    numbers = finite(graph, block)
    means = np.asarray(fitted.means_, dtype=np.float64)
    axes = _precisions(fitted, means)
    determinants = np.array([np.sum(np.log(np.diag(matrix))) for matrix in axes])
    offset = determinants - 0.5 * means.shape[1] * np.log(2 * np.pi) + np.log(fitted.weights_)
    scores = squared_lengths(graph, numbers.value, means, axes, -0.5, offset)
    if want == "predict":
        return scalar(graph.row("argmax", scores), "int64")
    if want == "predict_proba":
        return vector(graph.unary("exp", normalized(graph, scores)))
    if want == "score_samples":
        return scalar(log_sum(graph, scores))
    raise refused(fitted, want)


def _precisions(fitted: Any, means: NDArray[np.float64]) -> "list[NDArray[np.float64]]":
    count, width = means.shape
    roots = np.asarray(fitted.precisions_cholesky_, dtype=np.float64)
    if fitted.covariance_type == "full":
        return list(roots)
    if fitted.covariance_type == "tied":
        return [roots] * count
    if fitted.covariance_type == "diag":
        return [np.diag(row) for row in roots]
    return [np.eye(width) * root for root in roots]
