"""scikit-learn's nearest centers, and the models that answer without looking."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, labelled, numbers, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor, transformer
from pierhead.compile.extract.sklearn_arrays import finite
from pierhead.compile.extract.sklearn_discriminant import squared_lengths
from pierhead.compile.extract.sklearn_responses import logarithm, refused


@predictor("sklearn.KMeans", "sklearn.MiniBatchKMeans")
def k_means(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    x = finite(graph, block).value
    centers = np.asarray(fitted.cluster_centers_, dtype=np.float64)
    # Without the length of x itself, which all distances share.
    scores = graph.linear(x, -2.0 * centers.T, np.sum(centers**2, axis=1))
    return scalar(graph.row("argmin", scores), "int64")


@transformer("sklearn.KMeans", "sklearn.MiniBatchKMeans")
def distances_to_centers(graph: Graph, fitted: Any, block: Block) -> Block:
    x = finite(graph, block)
    if x.dtype != "float64":
        raise NotCompilable(f"distances of {type(fitted).__name__} in single precision")
    centers = np.asarray(fitted.cluster_centers_, dtype=np.float64)
    axes = [np.eye(centers.shape[1])] * len(centers)
    return numbers(graph.unary("sqrt", squared_lengths(graph, x.value, centers, axes, 1.0, np.zeros(len(centers)))))


@predictor("sklearn.DummyClassifier")
def dummy_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    strategy = fitted._strategy
    if strategy not in ("most_frequent", "prior", "constant") or fitted.n_outputs_ != 1:
        raise NotCompilable(f"DummyClassifier with strategy={strategy!r}")
    if want == "predict_log_proba":
        return logarithm(graph, dummy_classifier(graph, fitted, block, "predict_proba"))
    classes = list(fitted.classes_)
    place = classes.index(np.ravel(fitted.constant)[0]) if strategy == "constant" else int(fitted.class_prior_.argmax())
    if want == "predict":
        return labelled(graph.filled(float(place), block.value), fitted.classes_)
    if want != "predict_proba":
        raise refused(fitted, want)
    certain = np.eye(len(classes))[place]
    row = fitted.class_prior_ if strategy == "prior" else certain
    return vector(graph.add(graph.filled(0.0, block.value, len(classes)), row))


@predictor("sklearn.DummyRegressor")
def dummy_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    row = np.ravel(fitted.constant_).astype(np.float64)
    made = graph.add(graph.filled(0.0, block.value, len(row)), row)
    dtype = str(np.asarray(fitted.constant_).dtype)
    return scalar(made, dtype) if fitted.n_outputs_ == 1 else vector(made, dtype)
