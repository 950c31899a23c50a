"""scikit-learn's naive Bayes classifiers."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor
from pierhead.compile.extract.sklearn_arrays import finite
from pierhead.compile.extract.sklearn_discriminant import shares_of
from pierhead.compile.extract.sklearn_likelihoods import normalized


def _answer(graph: Graph, fitted: Any, scores: Value, want: str) -> Outcome:
    """From the joint log likelihood, one column for every class."""
    if want == "predict_joint_log_proba":
        return vector(scores)
    logs = normalized(graph, scores)
    if want == "predict":
        return labelled(graph.row("argmax", scores), fitted.classes_)
    return shares_of(graph, fitted, logs, want)


@predictor("sklearn.GaussianNB")
def gaussian_nb(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    numbers = finite(graph, block)
    means = np.asarray(fitted.theta_, dtype=np.float64)
    # Named sigma_ before scikit-learn 1.0.
    variances = np.asarray(fitted.var_ if hasattr(fitted, "var_") else fitted.sigma_, dtype=np.float64)
    count, width = means.shape
    repeated = graph.columns(numbers.value, list(range(width)) * count)
    deviations = graph.unary("square", graph.sub(repeated, means.reshape(-1)))
    relative = graph.div(deviations, variances.reshape(-1))
    weights = np.kron(np.eye(count), np.ones((width, 1))) * -0.5
    offset = np.log(fitted.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * variances), axis=1)
    return _answer(graph, fitted, graph.linear(relative, weights, offset), want)


@predictor("sklearn.BernoulliNB")
def bernoulli_nb(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    x = finite(graph, block).value
    if fitted.binarize is not None:
        x = graph.binary("less", [fitted.binarize], x)
    absent = np.log(1 - np.exp(fitted.feature_log_prob_))
    offset = fitted.class_log_prior_ + absent.sum(axis=1)
    return _answer(graph, fitted, graph.linear(x, (fitted.feature_log_prob_ - absent).T, offset), want)


@predictor("sklearn.MultinomialNB")
def multinomial_nb(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    x = finite(graph, block).value
    scores = graph.linear(x, fitted.feature_log_prob_.T, fitted.class_log_prior_)
    return _answer(graph, fitted, scores, want)


@predictor("sklearn.ComplementNB")
def complement_nb(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if len(fitted.classes_) == 1:
        raise NotCompilable("ComplementNB with a single class")
    x = finite(graph, block).value
    return _answer(graph, fitted, graph.linear(x, fitted.feature_log_prob_.T), want)


@predictor("sklearn.CategoricalNB")
def categorical_nb(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    """Values are categories 0, 1, ...: cut to whole numbers; others raise."""
    x = finite(graph, block).value
    counts = [table.shape[1] for table in fitted.feature_log_prob_]
    graph.decline_where(graph.binary("less", x, [0.0]))
    graph.decline_where(graph.binary("less_equal", np.array(counts, dtype=np.float64), x))
    kept = graph.where(graph.binary("less", x, np.array(counts, dtype=np.float64)), graph.unary("floor", x), [0.0])
    places = graph.unary("relu", kept)
    classes = len(fitted.class_log_prior_)
    repeated = graph.columns(places, [column for _ in range(classes) for column in range(block.width)])
    tables = [fitted.feature_log_prob_[column][row] for row in range(classes) for column in range(block.width)]
    weights = np.kron(np.eye(classes), np.ones((block.width, 1)))
    scores = graph.linear(graph.take(repeated, tables), weights, fitted.class_log_prior_)
    return _answer(graph, fitted, scores, want)
