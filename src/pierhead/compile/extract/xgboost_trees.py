"""XGBoost: boosters, and its scikit-learn models. Its sums are in single precision, and so are ours."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.domain.trees import LEQ, MEMBER
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of, predictor
from pierhead.compile.extract.tree_columns import Columns, check_names, decline_infinite, likeliest, with_rest
from pierhead.compile.extract.trees import LEAF, Tree, add_trees, below_32

_IDENTITY = {
    "binary:logitraw",
    "rank:map",
    "rank:ndcg",
    "rank:pairwise",
    "reg:absoluteerror",
    "reg:linear",
    "reg:pseudohubererror",
    "reg:quantileerror",
    "reg:squarederror",
    "reg:squaredlogerror",
}
_LOGISTIC = {"binary:logistic", "reg:logistic"}
_EXPONENTIAL = {"count:poisson", "reg:gamma", "reg:tweedie", "survival:aft", "survival:cox"}
_KNOWN = _IDENTITY | _LOGISTIC | _EXPONENTIAL | {"binary:hinge", "multi:softmax", "multi:softprob"}


class _Model:
    """What a booster's JSON says."""

    def __init__(self, booster: Any) -> None:
        learner = json.loads(bytes(booster.save_raw("json")))["learner"]
        boosting = learner["gradient_booster"]
        if boosting["name"] not in ("gbtree", "dart"):
            raise NotCompilable(f"XGBoost's booster {boosting['name']!r} is not known")
        gbtree = boosting["gbtree"] if boosting["name"] == "dart" else boosting
        self.weights = np.asarray(boosting.get("weight_drop", []), dtype=np.float32)
        self.trees: list[dict[str, Any]] = gbtree["model"]["trees"]
        self.targets_of_trees: list[int] = gbtree["model"]["tree_info"]
        self.rounds: list[int] = gbtree["model"].get("iteration_indptr", [])
        self.objective: str = learner["objective"]["name"]
        self.feature_names: list[str] = learner["feature_names"]
        self.best_iteration: int | None = _whole(learner["attributes"].get("best_iteration"))
        if (gbtree["model"].get("cats") or {}).get("enc"):
            raise NotCompilable("it was trained on pandas categories, and raises for columns without that type")
        if self.objective not in _KNOWN:
            raise NotCompilable(f"XGBoost's objective {self.objective!r} is not known")
        parameters = learner["learner_model_param"]
        self.targets = max(int(parameters["num_class"]), int(parameters.get("num_target", 1)), 1)
        self.base = np.broadcast_to(_margins(self.objective, json.loads(parameters["base_score"])), (self.targets,))

    def kept(self, iterations: int | None, *, is_in_place: bool) -> list[Tree]:
        """The trees of the first `iterations` rounds, or all.

        `is_in_place`: the library predicts without a DMatrix; then its dropped trees come with the base score, which is
        taken off again in single precision.
        """
        count = len(self.trees)
        if iterations is not None:
            per_round = self.rounds or list(range(0, count + 1, self.targets))
            count = per_round[min(iterations, len(per_round) - 1)]
        factors = self.weights if len(self.weights) else np.ones(count, dtype=np.float32)
        grown = []
        for tree, target, factor in zip(
            self.trees[:count], self.targets_of_trees[:count], factors[:count], strict=True
        ):
            values = np.asarray(tree["split_conditions"], dtype=np.float32)
            if is_in_place and len(self.weights):
                base = np.float32(self.base[target])
                values = (base + values) - base
            grown.append(_tree(tree, target, values * factor))
        return grown


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _margins(objective: str, base: float | Sequence[float]) -> NDArray[np.float64]:
    """The base score, which is kept as a prediction, as a margin."""
    score = np.atleast_1d(np.asarray(base, dtype=np.float32))
    if objective in _LOGISTIC:
        score = -np.log(np.float32(1) / score - np.float32(1))
    elif objective in _EXPONENTIAL:
        score = np.log(score)
    return score.astype(np.float64)


def _tree(tree: dict[str, Any], target: int, values: NDArray[np.float32]) -> Tree:
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise NotCompilable("XGBoost's trees with several numbers in a leaf are not known")
    left = np.asarray(tree["left_children"], dtype=np.int64)
    right = np.asarray(tree["right_children"], dtype=np.int64)
    is_leaf = left == LEAF
    conditions = np.asarray(tree["split_conditions"], dtype=np.float32)
    nan_left = np.asarray(tree["default_left"], dtype=np.bool_)
    mode = np.full(len(left), LEQ, dtype=np.uint8)
    sets = {}
    for node, start, size in zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    ):
        # Members go right; anything else, also what is no category at all, goes left.
        mode[node] = MEMBER
        sets[int(node)] = np.asarray(tree["categories"][start : start + size], dtype=np.int64)
        left[node], right[node], nan_left[node] = right[node], left[node], not nan_left[node]
    is_split = ~is_leaf & (mode == LEQ)
    threshold = np.zeros(len(left))
    threshold[is_split] = below_32(conditions[is_split])
    return Tree(
        feature=np.where(is_leaf, 0, np.asarray(tree["split_indices"], dtype=np.int64)),
        threshold=threshold,
        left=left,
        right=right,
        nan_left=nan_left,
        values=values.astype(np.float64),
        target=target,
        mode=mode,
        sets=sets,
    )


@predictor("xgboost.Booster")
def booster(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise NotCompilable(f"{want} of an XGBoost booster is not known")
    model = _Model(fitted)
    check_names(block, model.feature_names, "XGBoost")
    if model.feature_names and not block.is_frame:
        raise NotCompilable("it was trained on columns with names and gets an array: XGBoost raises")
    # A DMatrix raises for infinite numbers.
    decline_infinite(graph, block)
    columns = _columns(graph, block, np.nan)
    margin = _margin(graph, columns, model, model.kept(None, is_in_place=False))
    return _shaped(_response(graph, model.objective, margin))


@predictor("xgboost.XGBRegressor", "xgboost.XGBRFRegressor", "xgboost.XGBRanker")
def regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise NotCompilable(f"{want} of {class_of(fitted)} is not known")
    if class_of(fitted) == "xgboost.XGBRanker" and "qid" in block.names:
        raise NotCompilable("XGBRanker takes the column 'qid' out of its input")
    model = _Model(fitted.get_booster())
    return _shaped(_response(graph, model.objective, _sklearn_margin(graph, fitted, model, block)))


@predictor("xgboost.XGBClassifier", "xgboost.XGBRFClassifier")
def classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    model = _Model(fitted.get_booster())
    classes = np.arange(fitted.n_classes_)
    if model.targets > 1 and not model.objective.startswith("multi:"):
        raise NotCompilable("XGBClassifier with several labels a row is not known")
    if want not in ("predict", "predict_proba") or (want == "predict_proba" and model.objective == "binary:logitraw"):
        raise NotCompilable(f"{want} of {class_of(fitted)} with {model.objective} is not known")
    margin = _sklearn_margin(graph, fitted, model, block)
    if model.objective.startswith("multi:"):
        shares = _softmax(graph, margin)
        if want == "predict":
            softmax_labels = model.objective == "multi:softmax"
            return labelled(graph.row("argmax", margin if softmax_labels else shares), classes)
        return vector(shares, "float32")
    share = _response(graph, model.objective, margin)
    if want == "predict":
        return labelled(likeliest(graph, share), classes)
    return vector(with_rest(graph, share), "float32")


def _sklearn_margin(graph: Graph, fitted: Any, model: _Model, block: Block) -> Value:
    check_names(block, model.feature_names, "XGBoost")
    iterations = None if model.best_iteration is None else model.best_iteration + 1
    if not _takes_infinite(fitted, block.width):
        decline_infinite(graph, block)
    # A sparse matrix in another form than CSR would go through a DMatrix, but pipelines make CSR.
    columns = _columns(graph, block, float(fitted.missing))
    return _margin(graph, columns, model, model.kept(iterations, is_in_place=True))


def _takes_infinite(fitted: Any, width: int) -> bool:
    """It depends on the way it takes into the library, which the versions change: so it is asked."""
    try:
        fitted.predict(np.full((1, width), np.inf))
    except ValueError:
        return False
    return True


def _columns(graph: Graph, block: Block, missing: float) -> Columns:
    columns = Columns(graph, block)
    if block.is_sparse:
        # Zeros are not stored in a sparse matrix, and what is not stored is missing.
        columns.replace_by_nan(0.0)
    if not np.isnan(missing):
        columns.replace_by_nan(float(np.float32(missing)), is_single=True)
    return columns


def _margin(graph: Graph, columns: Columns, model: _Model, trees: list[Tree]) -> Value:
    """The base score and the trees, added one after the other in single precision, `[rows, targets]`."""
    grown = columns.with_categories(trees, is_single=True)
    return add_trees(graph, columns.value, grown, model.targets, model.base, is_single=True)


def _response(graph: Graph, objective: str, margin: Value) -> Value:
    if objective in _LOGISTIC:
        return _logistic(graph, margin)
    if objective in _EXPONENTIAL:
        return graph.unary("round32", graph.unary("exp", margin))
    if objective == "binary:hinge":
        return graph.binary("less", np.zeros(1), margin)
    if objective == "multi:softprob":
        return _softmax(graph, margin)
    if objective == "multi:softmax":
        return graph.row("argmax", margin)
    return margin


def _logistic(graph: Graph, margin: Value) -> Value:
    """Rounded to single precision at every step as the library does: the rest to 1 of a large share shows every bit."""
    power = graph.unary("round32", graph.unary("exp", graph.unary("neg", margin)))
    return graph.unary("round32", graph.div(1.0, graph.unary("round32", graph.add(1.0, power))))


def _softmax(graph: Graph, margin: Value) -> Value:
    below = graph.unary("round32", graph.sub(margin, graph.row("row_max", margin)))
    powers = graph.unary("round32", graph.unary("exp", below))
    return graph.unary("round32", graph.div(powers, graph.unary("round32", graph.row("row_sum", powers))))


def _shaped(value: Value) -> Outcome:
    return scalar(value, "float32") if value.width == 1 else vector(value, "float32")
