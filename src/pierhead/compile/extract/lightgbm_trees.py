"""LightGBM: boosters, and its scikit-learn models."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.domain.trees import LEQ, MEMBER
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of, predictor
from pierhead.compile.extract.tree_columns import ZERO, Columns, likeliest, with_rest
from pierhead.compile.extract.trees import LEAF, Tree, add_trees, leaf

_IDENTITY = {
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "lambdarank",
    "rank_xendcg",
    "custom",
}
_EXPONENTIAL = {"poisson", "gamma", "tweedie"}
_LOGISTIC = {"binary", "multiclassova", "cross_entropy"}
_KNOWN = _IDENTITY | _EXPONENTIAL | _LOGISTIC | {"multiclass", "cross_entropy_lambda"}

# Bits of `decision_type`: a set of categories; missing goes left; what counts as missing (2 bits).
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_NONE, _MISSING_ZERO = 0, 1


class _Model:
    """What a booster's text form says."""

    def __init__(self, booster: Any) -> None:
        text: str = booster.model_to_string(num_iteration=-1)
        head, _, rest = text.partition("\nTree=0\n")
        fields = dict(line.partition("=")[::2] for line in head.splitlines())
        self.is_averaged = "average_output" in fields
        self.columns = int(fields["max_feature_idx"]) + 1
        self.targets = int(fields["num_tree_per_iteration"])
        words = fields.get("objective", "custom").split()
        self.objective = words[0]
        self.options = dict(word.partition(":")[::2] for word in words[1:])
        if self.objective not in _KNOWN:
            raise NotCompilable(f"LightGBM's objective {self.objective!r} is not known")
        if _pandas_categories(rest):
            raise NotCompilable("it was trained on pandas categories, and raises for columns without that type")
        if "pred_early_stop" in booster.params:
            raise NotCompilable("LightGBM stops early for some rows (pred_early_stop)")
        blocks = rest.partition("end of trees")[0].split("\nTree=") if rest else []
        best = booster.best_iteration
        self.trees = [
            _tree(dict(line.partition("=")[::2] for line in block.splitlines()), number % self.targets)
            for number, block in enumerate(blocks[: best * self.targets] if best > 0 else blocks)
        ]


def _pandas_categories(text: str) -> list[Any]:
    kept = [line for line in text.splitlines() if line.startswith("pandas_categorical:")]
    return (json.loads(kept[-1].partition(":")[2]) or []) if kept else []


def _tree(fields: dict[str, str], target: int) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise NotCompilable("LightGBM's linear trees are not known")
    leaves = _floats(fields["leaf_value"])
    splits = int(fields["num_leaves"]) - 1
    if splits == 0:
        return leaf(leaves[0], target)
    size = splits + len(leaves)
    left, right = np.full(size, LEAF, dtype=np.int64), np.full(size, LEAF, dtype=np.int64)
    for sides, name in ((left, "left_child"), (right, "right_child")):
        child = _whole(fields[name])
        # Leaf k is written as -1 - k; here leaves come after the splits.
        sides[:splits] = np.where(child < 0, splits + (-1 - child), child)
    decisions = _whole(fields["decision_type"])
    threshold = np.zeros(size)
    threshold[:splits] = _floats(fields["threshold"])
    feature = np.zeros(size, dtype=np.int64)
    feature[:splits] = _whole(fields["split_feature"])
    mode = np.full(size, LEQ, dtype=np.uint8)
    mode[:splits][decisions & _CATEGORICAL > 0] = MEMBER
    tree = Tree(
        feature=feature,
        threshold=np.where(mode == MEMBER, threshold, _around_zero(threshold)),
        left=left,
        right=right,
        nan_left=np.zeros(size, dtype=np.bool_),
        values=np.concatenate([np.zeros(splits), leaves]),
        target=target,
        mode=mode,
        sets=dict(_sets(fields, threshold, np.flatnonzero(mode == MEMBER))),
    )
    return _with_missing(tree, decisions)


def _around_zero(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bounds for the number itself, where the library takes numbers up to `ZERO` for zero before it compares."""
    bound = np.where((threshold >= 0) & (threshold < ZERO), ZERO, threshold)
    return np.where((threshold >= -ZERO) & (threshold < 0), np.nextafter(-ZERO, -np.inf), bound)


def _with_missing(tree: Tree, decisions: NDArray[np.int64]) -> Tree:
    """Where missing numbers go, and for which nodes zero is one of them."""
    splits = len(decisions)
    kind = decisions >> 2 & 3
    default_left = decisions & _DEFAULT_LEFT > 0
    zero_left = tree.threshold[:splits] >= 0
    is_set = decisions & _CATEGORICAL > 0
    nan_left, zero_missing = tree.nan_left.copy(), np.zeros(len(tree.left), dtype=np.bool_)
    nan_left[:splits] = np.where(kind == _MISSING_NONE, zero_left, default_left) & ~is_set
    # Where zero would go the same way by itself nothing is to be done.
    zero_missing[:splits] = (kind == _MISSING_ZERO) & (zero_left != default_left) & ~is_set
    return replace(tree, nan_left=nan_left, zero_missing=zero_missing)


def _sets(
    fields: dict[str, str], threshold: NDArray[np.float64], nodes: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    if not len(nodes):
        return
    starts, words = _whole(fields["cat_boundaries"]), _whole(fields["cat_threshold"]).astype("<u4")
    for node in nodes:
        number = int(threshold[node])
        bits = np.unpackbits(words[starts[number] : starts[number + 1]].view(np.uint8), bitorder="little")
        yield int(node), np.flatnonzero(bits)


def _floats(text: str) -> NDArray[np.float64]:
    return np.array(text.split(), dtype=np.float64)


def _whole(text: str) -> NDArray[np.int64]:
    return np.array(text.split(), dtype=np.int64)


@predictor("lightgbm.Booster")
def booster(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise NotCompilable(f"{want} of a LightGBM booster is not known")
    model = _Model(fitted)
    return _shaped(_response(graph, model, _raw(graph, model, block)))


@predictor("lightgbm.LGBMRegressor", "lightgbm.LGBMRanker")
def regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    _refuse_what_is_passed_on(fitted)
    return booster(graph, fitted.booster_, block, want)


@predictor("lightgbm.LGBMClassifier")
def classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    _refuse_what_is_passed_on(fitted)
    if callable(fitted.objective_):
        raise NotCompilable("LGBMClassifier with an objective of the user's own")
    model = _Model(fitted.booster_)
    share = _response(graph, model, _raw(graph, model, block))
    if want == "predict":
        return labelled(likeliest(graph, share), fitted.classes_)
    if want == "predict_proba":
        return vector(with_rest(graph, share) if share.width == 1 else share)
    raise NotCompilable(f"{want} of LGBMClassifier is not known")


def _refuse_what_is_passed_on(fitted: Any) -> None:
    """Parameters of a scikit-learn model go into every prediction: those below change it."""
    changing = {"pred_early_stop", "predict_raw_score", "raw_score", "predict_leaf_index", "predict_contrib"}
    changing |= {"start_iteration_predict", "num_iteration_predict"}
    used = changing & {name for name, value in fitted.get_params().items() if value}
    if used:
        raise NotCompilable(f"{class_of(fitted)} with {', '.join(sorted(used))}")


def _raw(graph: Graph, model: _Model, block: Block) -> Value:
    if block.width != model.columns:
        raise NotCompilable(f"it was trained on {model.columns} columns and gets {block.width}: LightGBM raises")
    columns = Columns(graph, block)
    if not block.is_frame and not block.dtype.startswith("float"):
        # The library makes single precision of arrays of whole numbers.
        columns.round_to_single()
    trees = columns.with_categories(columns.with_zero_missing(model.trees), rounds_to_zero=True)
    total = add_trees(graph, columns.value, trees, model.targets)
    return graph.div(total, len(trees) / model.targets) if model.is_averaged and trees else total


def _response(graph: Graph, model: _Model, raw: Value) -> Value:
    if model.objective in _EXPONENTIAL:
        return graph.unary("exp", raw)
    if model.objective in _LOGISTIC:
        slope = float(model.options.get("sigmoid", 1.0))
        return graph.unary("sigmoid", raw if slope == 1.0 else graph.mul(raw, slope))
    if model.objective == "multiclass":
        return graph.softmax(raw)
    if model.objective == "cross_entropy_lambda":
        return graph.unary("log1p", graph.unary("exp", raw))
    if "sqrt" in model.options:
        return graph.mul(graph.unary("sign", raw), graph.unary("square", raw))
    return raw


def _shaped(value: Value) -> Outcome:
    return scalar(value) if value.width == 1 else vector(value)
