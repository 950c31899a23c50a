"""scikit-learn's multi-layer perceptrons."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor
from pierhead.compile.extract.sklearn_arrays import finite, rounded_to
from pierhead.compile.extract.sklearn_responses import both_sides, logarithm, positive, refused

_ACTIVATIONS = {"logistic": "sigmoid", "relu": "relu", "tanh": "tanh"}


def _forward(graph: Graph, fitted: Any, block: Block) -> tuple[Value, str]:
    numbers = finite(graph, block)
    dtype = str(np.result_type(numbers.dtype, fitted.coefs_[0].dtype))
    value = numbers.value
    names = [fitted.activation] * (len(fitted.coefs_) - 1) + [fitted.out_activation_]
    for weights, bias, name in zip(fitted.coefs_, fitted.intercepts_, names, strict=True):
        value = _activated(graph, graph.linear(value, weights, bias), name)
    return rounded_to(graph, value, dtype), dtype


def _activated(graph: Graph, value: Value, name: str) -> Value:
    if name == "identity":
        return value
    if name == "softmax":
        return graph.softmax(value)
    if name not in _ACTIVATIONS:
        raise NotCompilable(f"a perceptron with the activation {name!r}")
    return graph.unary(_ACTIVATIONS[name], value)


@predictor("sklearn.MLPRegressor")
def mlp_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    value, dtype = _forward(graph, fitted, block)
    return scalar(value, dtype) if value.width == 1 else vector(value, dtype)


@predictor("sklearn.MLPClassifier")
def mlp_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if fitted._label_binarizer.y_type_.startswith("multilabel"):
        raise NotCompilable("MLPClassifier with several labels a row")
    if want == "predict_log_proba":
        return logarithm(graph, mlp_classifier(graph, fitted, block, "predict_proba"))
    value, dtype = _forward(graph, fitted, block)
    if want == "predict":
        place = positive(graph, value, 0.5) if value.width == 1 else graph.row("argmax", value)
        return labelled(place, fitted.classes_)
    if want != "predict_proba":
        raise refused(fitted, want)
    return vector(rounded_to(graph, both_sides(graph, value), dtype) if value.width == 1 else value, dtype)
