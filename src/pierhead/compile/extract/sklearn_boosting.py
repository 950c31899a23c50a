"""scikit-learn: gradient boosting, and gradient boosting over histograms."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.domain.trees import LEQ, MEMBER
from pierhead.compile.extract.blocks import Block, Feature, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of, predict, predictor, transform
from pierhead.compile.extract.sklearn_arrays import picked
from pierhead.compile.extract.sklearn_tree_parts import (
    decline_what_raises,
    means_of,
    predicted,
    probabilities,
    tree_of,
)
from pierhead.compile.extract.tree_columns import with_rest
from pierhead.compile.extract.trees import LEAF, Tree, add_trees


@predictor("sklearn.GradientBoostingClassifier")
def gradient_boosting_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    loss = fitted.loss
    if loss not in ("log_loss", "deviance", "exponential"):
        raise NotCompilable(f"the loss {loss!r} of {class_of(fitted)} is not known")
    raw = _stages(graph, fitted, block)
    if raw.width == 1 and want == "predict":
        # Here, unlike with histograms, the second class wins a tie.
        return labelled(graph.unary("not", graph.binary("less", raw, 0.0)), fitted.classes_)
    # The exponential loss has half the logit for its link.
    return _boosted_classes(graph, fitted, raw, want, slope=2.0 if loss == "exponential" else 1.0)


@predictor("sklearn.GradientBoostingRegressor")
def gradient_boosting_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    return predicted(fitted, _stages(graph, fitted, block), want)


def _stages(graph: Graph, fitted: Any, block: Block) -> Value:
    decline_what_raises(graph, fitted, block)
    trees = [
        tree_of(tree, means_of(tree), target).scaled(float(fitted.learning_rate))
        for stage in fitted.estimators_
        for target, tree in enumerate(stage)
    ]
    targets = fitted.estimators_.shape[1]
    start = _start(graph, fitted, block, targets)
    if isinstance(start, Value):
        return graph.add(add_trees(graph, block.value, trees, targets), start)
    return add_trees(graph, block.value, trees, targets, start)


def _start(graph: Graph, fitted: Any, block: Block, targets: int) -> NDArray[np.float64] | Value:
    """What the stages are added to: constants, or what a model of the user's predicts."""
    init = fitted.init_
    if isinstance(init, str) and init == "zero":
        return np.zeros(targets)
    if class_of(init) in ("sklearn.DummyRegressor", "sklearn.DummyClassifier"):
        if getattr(init, "strategy", "") in ("stratified", "uniform"):
            raise NotCompilable(f"{class_of(fitted)} starts from a random guess")
        return np.asarray(fitted._raw_predict_init(np.zeros((1, block.width), dtype=np.float32))[0])
    if class_of(fitted) == "sklearn.GradientBoostingClassifier":
        raise NotCompilable(f"{class_of(fitted)} starts from a {class_of(init)}")
    single = Block(graph.unary("round32", block.value), (Feature("float32"),) * block.width)
    return predict(graph, init, single).value


@predictor("sklearn.HistGradientBoostingClassifier")
def hist_gradient_boosting_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    raw = _iterations(graph, fitted, block)
    if fitted._loss.link.__class__.__name__ not in ("LogitLink", "MultinomialLogit"):
        raise NotCompilable(f"the loss {fitted.loss!r} of {class_of(fitted)} is not known")
    if raw.width == 1 and want == "predict":
        return labelled(graph.binary("less", np.zeros(1), raw), fitted.classes_)
    return _boosted_classes(graph, fitted, raw, want)


@predictor("sklearn.HistGradientBoostingRegressor")
def hist_gradient_boosting_regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    raw = _iterations(graph, fitted, block)
    link = fitted._loss.link.__class__.__name__
    if link not in ("IdentityLink", "LogLink"):
        raise NotCompilable(f"the loss {fitted.loss!r} of {class_of(fitted)} is not known")
    return predicted(fitted, graph.unary("exp", raw) if link == "LogLink" else raw, want)


def _boosted_classes(graph: Graph, fitted: Any, raw: Value, want: str, slope: float = 1.0) -> Outcome:
    if want == "decision_function":
        return scalar(raw) if raw.width == 1 else vector(raw)
    if want == "predict":
        return labelled(graph.row("argmax", raw), fitted.classes_)
    if raw.width > 1:
        return probabilities(graph, fitted, graph.softmax(raw), want)
    steep = raw if slope == 1.0 else graph.mul(raw, slope)
    return probabilities(graph, fitted, with_rest(graph, graph.unary("sigmoid", steep)), want)


def _iterations(graph: Graph, fitted: Any, block: Block) -> Value:
    value = _encoded(graph, fitted, block)
    known = _known_categories(fitted)
    trees = [
        _histogram_tree(predictor, target, known)
        for iteration in fitted._predictors
        for target, predictor in enumerate(iteration)
    ]
    base = np.asarray(fitted._baseline_prediction, dtype=np.float64).reshape(-1)
    return add_trees(graph, value, trees, len(base), base)


def _encoded(graph: Graph, fitted: Any, block: Block) -> Value:
    """The matrix that the trees see: categories first, as codes (NaN if unknown), then the numbers."""
    if block.is_sparse:
        raise NotCompilable(f"{class_of(fitted)} raises for sparse input")
    if not _has_categories(fitted):
        # Asks whether all columns are numbers, as the library does.
        _ = block.dtype
        return block.value
    if getattr(fitted, "_preprocessor", None) is None:
        raise NotCompilable("categories of HistGradientBoosting before scikit-learn 1.4 are not known")
    categorical = [int(place) for place in np.flatnonzero(fitted.is_categorical_)]
    numeric = [int(place) for place in np.flatnonzero(~fitted.is_categorical_)]
    encoder = fitted._preprocessor.named_transformers_["encoder"]
    codes = transform(graph, encoder, picked(graph, block, categorical))
    rest = picked(graph, block, numeric)
    _ = rest.dtype
    return graph.concat([codes.value, rest.value])


def _has_categories(fitted: Any) -> bool:
    flags = getattr(fitted, "is_categorical_", None)
    return flags is not None and bool(np.any(flags))


def _known_categories(fitted: Any) -> dict[int, Any]:
    """By column of the encoded matrix, the codes the trees know: any other goes where a missing one goes."""
    if not _has_categories(fitted):
        return {}
    bitsets, rows = fitted._bin_mapper.make_known_categories_bitsets()
    return {
        int(column): _members(bitsets[rows[column]]) for column in np.flatnonzero(fitted._bin_mapper.is_categorical_)
    }


def _members(bitset: Any) -> Any:
    bits = np.unpackbits(np.asarray(bitset, dtype="<u4").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits)


def _histogram_tree(grown: Any, target: int, known: dict[int, Any]) -> Tree:
    nodes = grown.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    left = np.where(is_leaf, LEAF, nodes["left"].astype(np.int64))
    right = nodes["right"].astype(np.int64)
    nan_left = nodes["missing_go_to_left"].astype(bool)
    mode = np.full(len(nodes), LEQ, dtype=np.uint8)
    sets = {}
    for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~is_leaf):
        mode[node] = MEMBER
        go_left = _members(grown.raw_left_cat_bitsets[nodes["bitset_idx"][node]])
        if nan_left[node]:
            # Unknown codes go left as well: ask for the known ones that go right, and change sides.
            sets[int(node)] = np.setdiff1d(known[int(nodes["feature_idx"][node])], go_left)
            left[node], right[node], nan_left[node] = right[node], left[node], False
        else:
            sets[int(node)] = np.intersect1d(known[int(nodes["feature_idx"][node])], go_left)
    return Tree(
        feature=np.where(is_leaf, 0, nodes["feature_idx"].astype(np.int64)),
        threshold=nodes["num_threshold"].astype(np.float64),
        left=left,
        right=right,
        nan_left=nan_left,
        values=nodes["value"].astype(np.float64),
        target=target,
        mode=mode,
        sets=sets,
    )
