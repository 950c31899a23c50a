"""What predictors have in common: from scores to labels and probabilities, and one predictor's answer as numbers."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predict
from pierhead.compile.extract.sklearn_arrays import rounded_to


def refused(fitted: Any, want: str) -> NotCompilable:
    return NotCompilable(f"{want} of {type(fitted).__name__}")


def response(graph: Graph, fitted: Any, block: Block, want: str) -> Value:
    """The answer of a part of a model as numbers, for the next part. Labels must be numbers."""
    outcome = predict(graph, fitted, block, want)
    if outcome.dtype != "label":
        return outcome.value
    if not all(isinstance(label, int | float) for label in outcome.labels):
        raise NotCompilable(f"{type(fitted).__name__} with labels of text inside another model")
    return graph.take(outcome.value, [np.array(outcome.labels, dtype=np.float64)])


def is_regressor(fitted: Any) -> bool:
    if hasattr(fitted, "__sklearn_tags__"):
        return bool(fitted.__sklearn_tags__().estimator_type == "regressor")
    return bool(getattr(fitted, "_estimator_type", None) == "regressor")


def positive(graph: Graph, scores: Value, threshold: float = 0.0) -> Value:
    return graph.binary("less", [threshold], scores)


def chosen(graph: Graph, fitted: Any, scores: Value) -> Outcome:
    """The label of the highest score; of a single score, the second class where it is above 0."""
    place = positive(graph, scores) if scores.width == 1 else graph.row("argmax", scores)
    return labelled(place, fitted.classes_)


def both_sides(graph: Graph, probability: Value) -> Value:
    """`[1 - p, p]`."""
    return graph.concat([graph.sub([1.0], probability), probability])


def shares(graph: Graph, values: Value) -> Value:
    """Every row divided by its sum; rows of zeros become uniform."""
    total = graph.row("row_sum", values)
    is_empty = graph.binary("equal", total, [0.0])
    divided = graph.div(values, graph.where(is_empty, [1.0], total))
    return graph.where(is_empty, np.full(values.width, 1.0 / values.width), divided)


def scored(scores: Value, dtype: str = "float64") -> Outcome:
    """A decision function: one number a row for two classes, else one for every class."""
    return scalar(scores, dtype) if scores.width == 1 else vector(scores, dtype)


def logarithm(graph: Graph, outcome: Outcome) -> Outcome:
    return Outcome(rounded_to(graph, graph.unary("log", outcome.value), outcome.dtype), outcome.shape, outcome.dtype)
