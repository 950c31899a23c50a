"""scikit-learn's linear models."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor
from pierhead.compile.extract.sklearn_arrays import finite, rounded_to
from pierhead.compile.extract.sklearn_responses import both_sides, chosen, logarithm, refused, scored, shares


def linear_scores(graph: Graph, fitted: Any, block: Block) -> tuple[Value, str]:
    """`x @ coef_.T + intercept_` `[rows, outputs]` and its dtype."""
    numbers = finite(graph, block)
    weights = np.atleast_2d(fitted.coef_)
    if hasattr(fitted.coef_, "toarray"):
        weights = fitted.coef_.toarray()
    if weights.shape[1] != block.width:
        raise NotCompilable(f"{type(fitted).__name__} for {weights.shape[1]} columns gets {block.width}")
    dtype = str(np.result_type(numbers.dtype, weights.dtype, np.asarray(fitted.intercept_).dtype))
    scores = graph.linear(numbers.value, weights.T, np.asarray(fitted.intercept_, dtype=np.float64).reshape(-1))
    return rounded_to(graph, scores, dtype), dtype


@predictor(
    "sklearn.ARDRegression",
    "sklearn.BayesianRidge",
    "sklearn.ElasticNet",
    "sklearn.ElasticNetCV",
    "sklearn.HuberRegressor",
    "sklearn.Lars",
    "sklearn.LarsCV",
    "sklearn.Lasso",
    "sklearn.LassoCV",
    "sklearn.LassoLars",
    "sklearn.LassoLarsCV",
    "sklearn.LassoLarsIC",
    "sklearn.LinearRegression",
    "sklearn.LinearSVR",
    "sklearn.MultiTaskElasticNet",
    "sklearn.MultiTaskLasso",
    "sklearn.OrthogonalMatchingPursuit",
    "sklearn.OrthogonalMatchingPursuitCV",
    "sklearn.PassiveAggressiveRegressor",
    "sklearn.QuantileRegressor",
    "sklearn.Ridge",
    "sklearn.RidgeCV",
    "sklearn.SGDRegressor",
    "sklearn.TheilSenRegressor",
)
def linear_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    scores, dtype = linear_scores(graph, fitted, block)
    return scalar(scores, dtype) if np.ndim(fitted.coef_) == 1 else vector(scores, dtype)


@predictor("sklearn.GammaRegressor", "sklearn.PoissonRegressor", "sklearn.TweedieRegressor")
def generalized_linear_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    scores, dtype = linear_scores(graph, fitted, block)
    link = type(fitted._base_loss.link).__name__
    if link == "IdentityLink":
        return scalar(scores, dtype)
    if link != "LogLink":
        raise NotCompilable(f"{type(fitted).__name__} with {link}")
    return scalar(rounded_to(graph, graph.unary("exp", scores), dtype), dtype)


@predictor(
    "sklearn.LinearSVC",
    "sklearn.PassiveAggressiveClassifier",
    "sklearn.Perceptron",
    "sklearn.RidgeClassifier",
    "sklearn.RidgeClassifierCV",
)
def linear_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    binarizer = getattr(fitted, "_label_binarizer", None)
    if binarizer is not None and binarizer.y_type_.startswith("multilabel"):
        raise NotCompilable(f"{type(fitted).__name__} with several labels a row")
    scores, dtype = linear_scores(graph, fitted, block)
    if want == "predict":
        return chosen(graph, fitted, scores)
    if want == "decision_function":
        return scored(scores, dtype)
    raise refused(fitted, want)


@predictor("sklearn.LogisticRegression", "sklearn.LogisticRegressionCV")
def logistic_regression(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want == "predict_log_proba":
        return logarithm(graph, logistic_regression(graph, fitted, block, "predict_proba"))
    if want != "predict_proba":
        return linear_classifier(graph, fitted, block, want)
    scores, dtype = linear_scores(graph, fitted, block)
    if _is_one_versus_rest(fitted):
        return vector(one_versus_rest(graph, scores, dtype), dtype)
    if scores.width == 1:
        scores = graph.concat([graph.unary("neg", scores), scores])
    return vector(rounded_to(graph, graph.softmax(scores), dtype), dtype)


def _is_one_versus_rest(fitted: Any) -> bool:
    """As in all versions: newer ones know no `multi_class` and take all classes together but for two."""
    kind = getattr(fitted, "multi_class", "auto")
    if kind in ("ovr", "warn"):
        return True
    return kind in ("auto", "deprecated") and (len(fitted.classes_) <= 2 or fitted.solver == "liblinear")


def one_versus_rest(graph: Graph, scores: Value, dtype: str) -> Value:
    """Probabilities by the logistic function of every score."""
    probability = rounded_to(graph, graph.unary("sigmoid", scores), dtype)
    made = both_sides(graph, probability) if scores.width == 1 else shares(graph, probability)
    return rounded_to(graph, made, dtype)


@predictor("sklearn.SGDClassifier")
def sgd_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want == "predict_log_proba":
        return logarithm(graph, sgd_classifier(graph, fitted, block, "predict_proba"))
    if want != "predict_proba":
        return linear_classifier(graph, fitted, block, want)
    scores, dtype = linear_scores(graph, fitted, block)
    if fitted.loss in ("log_loss", "log"):
        return vector(one_versus_rest(graph, scores, dtype), dtype)
    if fitted.loss != "modified_huber" or dtype == "float32":
        raise refused(fitted, f"{want} with loss={fitted.loss!r}")
    low = graph.where(graph.binary("less", scores, [-1.0]), [-1.0], scores)
    within = graph.where(graph.binary("less", [1.0], low), [1.0], low)
    halves = graph.div(graph.add(within, [1.0]), [2.0])
    return vector(both_sides(graph, halves) if scores.width == 1 else shares(graph, halves))


@predictor("sklearn.LinearDiscriminantAnalysis")
def linear_discriminant_analysis(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want not in ("predict_proba", "predict_log_proba"):
        return linear_classifier(graph, fitted, block, want)
    scores, dtype = linear_scores(graph, fitted, block)
    is_binary = scores.width == 1
    made = one_versus_rest(graph, scores, dtype) if is_binary else rounded_to(graph, graph.softmax(scores), dtype)
    if want == "predict_proba":
        return vector(made, dtype)
    smallest = np.finfo(dtype).tiny
    kept = graph.where(graph.binary("equal", made, [0.0]), [smallest], made)
    return vector(rounded_to(graph, graph.unary("log", kept), dtype), dtype)
