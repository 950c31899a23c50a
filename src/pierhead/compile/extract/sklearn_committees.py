"""scikit-learn: AdaBoost and bagging, of trees (which become one ensemble) or of any models that are known."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of, predict, predictor
from pierhead.compile.extract.sklearn_arrays import picked
from pierhead.compile.extract.sklearn_tree_parts import (
    classified,
    decline_what_raises,
    is_single_tree,
    means_of,
    not_answered,
    predicted,
    shares_of,
    tree_of,
)
from pierhead.compile.extract.trees import add_trees


@predictor("sklearn.AdaBoostClassifier")
def adaboost_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if getattr(fitted, "algorithm", "SAMME") == "SAMME.R":
        raise NotCompilable("AdaBoostClassifier with the algorithm SAMME.R is not known")
    if fitted.n_classes_ < 2:
        raise NotCompilable("AdaBoostClassifier was trained on one class")
    decline_what_raises(graph, fitted, block, is_single=_is_of_trees(fitted))
    # Up to a factor and a constant, a member's votes are its weight in the column of its class.
    votes = _weighted_votes(graph, fitted, block.unnamed())
    total = float(np.sum(fitted.estimator_weights_))
    others = fitted.n_classes_ - 1
    decision = graph.div(graph.sub(graph.mul(votes, 1.0 + 1.0 / others), total / others), total)
    if fitted.n_classes_ == 2:
        decision = graph.sub(graph.columns(decision, [1]), graph.columns(decision, [0]))
        # In a tie the first class wins, as it does for argmax.
        sides = graph.concat([graph.unary("neg", decision), decision])
        powers = graph.mul(sides, 0.5)
    else:
        sides, powers = decision, graph.div(decision, float(others))
    if want == "decision_function":
        return scalar(decision) if decision.width == 1 else vector(decision)
    return classified(graph, fitted, sides if want == "predict" else graph.softmax(powers), want)


def _weighted_votes(graph: Graph, fitted: Any, block: Block) -> Value:
    members = fitted.estimators_
    places = [np.searchsorted(fitted.classes_, member.classes_) for member in members]
    weights = [float(weight) for weight in fitted.estimator_weights_[: len(members)]]
    if _is_of_trees(fitted):
        trees = []
        for member, weight, place in zip(members, weights, places, strict=True):
            best = place[shares_of(member).argmax(axis=1)]
            trees.append(tree_of(member, np.full(len(best), weight), best))
        return add_trees(graph, block.value, trees, fitted.n_classes_)
    total = None
    for member, weight, place in zip(members, weights, places, strict=True):
        vote = graph.mul(_one_hot(graph, predict(graph, member, block).value, place, fitted.n_classes_), weight)
        total = vote if total is None else graph.add(total, vote)
    assert total is not None
    return total


def _one_hot(graph: Graph, index: Value, places: Any, classes: int) -> Value:
    """The `index` into a member's classes as truths, one column a class of the committee; `places` are its classes."""
    wanted = np.full(classes, -1.0)
    wanted[places] = np.arange(len(places))
    return graph.binary("equal", index, wanted)


def _is_of_trees(fitted: Any) -> bool:
    return all(is_single_tree(member) for member in fitted.estimators_)


@predictor("sklearn.AdaBoostRegressor")
def adaboost_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    decline_what_raises(graph, fitted, block, is_single=_is_of_trees(fitted))
    members = fitted.estimators_
    if _is_of_trees(fitted):
        trees = [tree_of(member, means_of(member), target) for target, member in enumerate(members)]
        opinions = add_trees(graph, block.value, trees, len(trees))
    else:
        opinions = graph.concat([predict(graph, member, block.unnamed()).value for member in members])
    weights = np.asarray(fitted.estimator_weights_[: len(members)], dtype=np.float64)
    return predicted(fitted, graph.op("weighted_median", opinions, weights, width=1), want)


@predictor("sklearn.BaggingClassifier")
def bagging_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want not in ("predict", "predict_proba"):
        raise not_answered(fitted, want)
    members = list(zip(fitted.estimators_, fitted.estimators_features_, strict=True))
    classes = fitted.n_classes_
    if _is_of_trees(fitted):
        decline_what_raises(graph, fitted, block, seen=_seen(fitted))
        trees = []
        for member, columns in members:
            values = np.zeros((member.tree_.node_count, classes))
            values[:, member.classes_.astype(int)] = shares_of(member)
            trees.append(tree_of(member, values[:, 1] if classes == 2 else values).over(np.asarray(columns)))
        mean = graph.div(add_trees(graph, block.value, trees, 1 if classes == 2 else classes), float(len(trees)))
        return classified(graph, fitted, mean, want)
    total = None
    for member, columns in members:
        shares = _shares(graph, member, picked(graph, block.unnamed(), [int(column) for column in columns]), classes)
        total = shares if total is None else graph.add(total, shares)
    assert total is not None
    return classified(graph, fitted, graph.div(total, float(len(members))), want)


def _seen(fitted: Any) -> list[int]:
    """The columns that any member looks at."""
    return [int(column) for column in np.unique(np.concatenate(fitted.estimators_features_))]


def _shares(graph: Graph, member: Any, block: Block, classes: int) -> Value:
    """A member's probabilities in the committee's columns, or its vote if it has none."""
    places = np.asarray(member.classes_, dtype=np.int64)
    if not hasattr(member, "predict_proba"):
        return _one_hot(graph, predict(graph, member, block).value, places, classes)
    shares = predict(graph, member, block, "predict_proba").value
    return shares if len(places) == classes else graph.linear(shares, np.eye(classes)[places])


@predictor("sklearn.BaggingRegressor")
def bagging_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    members = list(zip(fitted.estimators_, fitted.estimators_features_, strict=True))
    if _is_of_trees(fitted):
        decline_what_raises(graph, fitted, block, seen=_seen(fitted))
        values = [means_of(member) for member in fitted.estimators_]
        targets = 1 if values[0].ndim == 1 else values[0].shape[1]
        trees = [
            tree_of(member, value).over(np.asarray(columns))
            for (member, columns), value in zip(members, values, strict=True)
        ]
        return predicted(fitted, graph.div(add_trees(graph, block.value, trees, targets), float(len(trees))), want)
    total = None
    for member, columns in members:
        opinion = predict(graph, member, picked(graph, block.unnamed(), [int(column) for column in columns])).value
        total = opinion if total is None else graph.add(total, opinion)
    if total is None:
        raise NotCompilable(f"{class_of(fitted)} has no members")
    return predicted(fitted, graph.div(total, float(len(members))), want)
