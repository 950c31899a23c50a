"""scikit-learn's predictors that are made of other predictors."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Feature, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predict, predictor
from pierhead.compile.extract.sklearn_arrays import joined
from pierhead.compile.extract.sklearn_responses import is_regressor, refused, response


def _mean(graph: Graph, values: list[Value], weights: Any) -> Value:
    """`numpy.average`: with weights the sum is divided by their sum."""
    factors = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = values[0] if weights is None else graph.mul(values[0], [factors[0]])
    for value, factor in zip(values[1:], factors[1:], strict=True):
        total = graph.add(total, value if weights is None else graph.mul(value, [factor]))
    return graph.div(total, [factors.sum()])


@predictor("sklearn.VotingClassifier")
def voting_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    weights = fitted._weights_not_none
    if want == "predict" and fitted.voting == "hard":
        return labelled(graph.row("argmax", _ballots(graph, fitted, block, weights)), fitted.classes_)
    if fitted.voting != "soft" or want not in ("predict", "predict_proba"):
        raise refused(fitted, want)
    mean = _mean(graph, [response(graph, part, block, "predict_proba") for part in fitted.estimators_], weights)
    return vector(mean) if want == "predict_proba" else labelled(graph.row("argmax", mean), fitted.classes_)


def _ballots(graph: Graph, fitted: Any, block: Block, weights: Any) -> Value:
    """The weight of the votes for every class; the parts learned the classes' places."""
    places = graph.concat([response(graph, part, block, "predict") for part in fitted.estimators_])
    count = len(fitted.classes_)
    repeated = graph.columns(places, [part for part in range(places.width) for _ in range(count)])
    marks = graph.binary("equal", repeated, np.tile(np.arange(count, dtype=np.float64), places.width))
    factors = np.ones(places.width) if weights is None else np.asarray(weights, dtype=np.float64)
    return graph.linear(marks, np.kron(factors.reshape(-1, 1), np.eye(count)))


@predictor("sklearn.VotingRegressor")
def voting_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    answers = [response(graph, part, block, "predict") for part in fitted.estimators_]
    return scalar(_mean(graph, answers, fitted._weights_not_none))


@predictor("sklearn.StackingClassifier", "sklearn.StackingRegressor")
def stacking(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    parts = []
    for part, method in zip(fitted.estimators_, fitted.stack_method_, strict=True):
        answer = response(graph, part, block, method)
        if method == "predict_proba" and len(fitted.classes_) == 2:
            answer = graph.columns(answer, [1])
        parts.append(Block(answer, (Feature("float64"),) * answer.width))
    if fitted.passthrough:
        parts.append(block)
    features = joined(graph, parts, is_sparse=bool(fitted.passthrough and block.is_sparse))
    outcome = predict(graph, fitted.final_estimator_, features, want)
    if outcome.dtype != "label":
        return outcome
    if isinstance(fitted._label_encoder, list):
        raise NotCompilable("a StackingClassifier with several labels a row")
    # The last estimator learned places of classes, all of them.
    return labelled(outcome.value, [fitted.classes_[int(str(place))] for place in outcome.labels])


@predictor("sklearn.OneVsRestClassifier")
def one_vs_rest(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if fitted.multilabel_:
        raise NotCompilable("OneVsRestClassifier with several labels a row")
    if want == "predict_proba":
        return vector(_rest_shares(graph, fitted, block))
    parts = fitted.estimators_
    if want == "predict":
        scores = [_binary_score(graph, part, block) for part in parts]
        if len(scores) == 1:
            has_decision = hasattr(parts[0], "decision_function")
            return labelled(graph.binary("less", [0.0 if has_decision else 0.5], scores[0]), fitted.classes_)
        return labelled(graph.row("argmax", graph.concat(scores)), fitted.classes_)
    if want != "decision_function":
        raise refused(fitted, want)
    scores = [response(graph, part, block, want) for part in parts]
    return scalar(scores[0]) if len(scores) == 1 else vector(graph.concat(scores))


def _binary_score(graph: Graph, part: Any, block: Block) -> Value:
    if is_regressor(part):
        return response(graph, part, block, "predict")
    if hasattr(part, "decision_function"):
        return response(graph, part, block, "decision_function")
    return graph.columns(response(graph, part, block, "predict_proba"), [1])


def _rest_shares(graph: Graph, fitted: Any, block: Block) -> Value:
    columns = [graph.columns(response(graph, part, block, "predict_proba"), [1]) for part in fitted.estimators_]
    if len(columns) == 1:
        columns = [graph.sub([1.0], columns[0]), columns[0]]
    values = graph.concat(columns)
    total = graph.row("row_sum", values)
    return graph.div(values, graph.where(graph.binary("equal", total, [0.0]), [1.0], total))


@predictor("sklearn.TransformedTargetRegressor")
def transformed_target_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict" or fitted._training_dim != 1:
        raise refused(fitted, want)
    value = response(graph, fitted.regressor_, block, "predict")
    return scalar(_way_back(graph, fitted.transformer_, value))


_INVERSES = {"exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sqrt": "sqrt", "square": "square"}


def _way_back(graph: Graph, transformer: Any, value: Value) -> Value:
    """`transformer.inverse_transform` of one column."""
    name = type(transformer).__name__
    if name == "FunctionTransformer":
        function = transformer.inverse_func
        if function is None:
            return value
        if not isinstance(function, np.ufunc) or function.__name__ not in _INVERSES or transformer.inv_kw_args:
            raise NotCompilable("a target that is transformed back by a function of its own")
        return graph.unary(_INVERSES[function.__name__], value)
    if name == "StandardScaler":
        return _stretched_back(
            graph, value, transformer.with_std, transformer.scale_, transformer.with_mean, transformer.mean_
        )
    if name == "RobustScaler":
        return _stretched_back(
            graph, value, transformer.with_scaling, transformer.scale_, transformer.with_centering, transformer.center_
        )
    if name == "MinMaxScaler":
        return graph.div(graph.sub(value, transformer.min_), transformer.scale_)
    raise NotCompilable(f"a target that is transformed back by {name}")


def _stretched_back(graph: Graph, value: Value, has_scale: bool, scale: Any, has_center: bool, center: Any) -> Value:
    if has_scale:
        value = graph.mul(value, scale)
    return graph.add(value, center) if has_center else value


@predictor("sklearn.FrozenEstimator")
def frozen_estimator(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    return predict(graph, fitted.estimator, block, want)


@predictor("sklearn.MultiOutputRegressor")
def multi_output_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise refused(fitted, want)
    return vector(graph.concat([response(graph, part, block, "predict") for part in fitted.estimators_]))


@predictor("sklearn.FixedThresholdClassifier", "sklearn.TunedThresholdClassifierCV")
def threshold_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        return predict(graph, fitted.estimator_, block, want)
    scorer = getattr(fitted, "_curve_scorer", None)
    positive_label = getattr(fitted, "pos_label", None) if scorer is None else scorer._get_pos_label()
    if positive_label is not None and positive_label != fitted.classes_[1]:
        raise NotCompilable(f"{type(fitted).__name__} whose positive label is not the second")
    method = fitted.response_method
    has_shares = method != "decision_function" and hasattr(fitted.estimator_, "predict_proba")
    scores = response(graph, fitted.estimator_, block, "predict_proba" if has_shares else "decision_function")
    score = graph.columns(scores, [1]) if has_shares else scores
    threshold = getattr(fitted, "best_threshold_", None)
    if threshold is None:
        threshold = fitted.threshold if fitted.threshold != "auto" else 0.5 if has_shares else 0.0
    return labelled(graph.binary("less_equal", [float(threshold)], score), fitted.classes_)
