"""CatBoost: models of numeric columns, with oblivious trees and any others."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of, predictor
from pierhead.compile.extract.trees import LEAF, Tree, add_trees, at_most_32


class _Model:
    """What the JSON form says. `places` are the columns of the block in which its numeric features are."""

    def __init__(self, fitted: Any, block: Block) -> None:
        if len(fitted.get_cat_feature_indices()):
            raise NotCompilable("CatBoost's categorical features (statistics of hashed strings) are not known")
        if len(fitted.get_text_feature_indices()) or len(fitted.get_embedding_feature_indices()):
            raise NotCompilable("CatBoost's text and embedding features are not known")
        described = _json_of(fitted)
        features = described["features_info"]["float_features"]
        columns = _places(block, list(fitted.feature_names_))
        self._place = {feature["feature_index"]: columns[feature["flat_feature_index"]] for feature in features}
        self._nan_is_large = {
            feature["feature_index"]: feature["nan_value_treatment"] == "AsTrue" for feature in features
        }
        scale, bias = described["scale_and_bias"]
        self.bias = np.atleast_1d(np.asarray(bias, dtype=np.float64))
        self.targets = len(self.bias)
        if "oblivious_trees" in described:
            grown = [self._oblivious(tree) for tree in described["oblivious_trees"]]
        else:
            grown = [self._branching(tree) for tree in described["trees"]]
        self.trees = [tree if scale == 1 else tree.scaled(float(scale)) for tree in grown]

    def _oblivious(self, tree: Mapping[str, Any]) -> Tree:
        """All nodes of a level ask the same: the first split is the lowest bit of the leaf's number, a 1 is `>`."""
        splits = list(tree["splits"] or [])[::-1]
        inner = 2 ** len(splits) - 1
        nodes = np.arange(inner)
        levels = np.floor(np.log2(nodes + 1)).astype(np.int64) if inner else nodes
        feature, threshold, nan_left = self._asked(splits)
        blank = np.zeros(inner + 1, dtype=np.int64)
        return Tree(
            feature=np.concatenate([feature[levels], blank]),
            threshold=np.concatenate([threshold[levels], blank]),
            left=np.concatenate([2 * nodes + 1, blank + LEAF]),
            right=np.concatenate([2 * nodes + 2, blank + LEAF]),
            nan_left=np.concatenate([nan_left[levels], blank.astype(np.bool_)]),
            values=self._values(np.asarray(tree["leaf_values"], dtype=np.float64), inner),
        )

    def _values(self, leaves: NDArray[np.float64], inner: int) -> NDArray[np.float64]:
        """At all nodes: zeros at the `inner` ones before the leaves."""
        shape = (-1,) if self.targets == 1 else (-1, self.targets)
        rows = leaves.reshape(shape)
        return np.concatenate([np.zeros((inner, *rows.shape[1:])), rows])

    def _branching(self, tree: Mapping[str, Any]) -> Tree:
        splits: list[Mapping[str, Any] | None] = []
        left: list[int] = []
        right: list[int] = []
        values: list[Any] = []
        waiting: list[tuple[Mapping[str, Any], list[int], int]] = [(tree, [0], 0)]
        while waiting:
            node, parents, parent = waiting.pop()
            number = len(splits)
            parents[parent] = number
            splits.append(node.get("split"))
            values.append(node.get("value", 0.0 if self.targets == 1 else [0.0] * self.targets))
            left.append(LEAF)
            right.append(LEAF)
            if "split" in node:
                waiting += [(node["left"], left, number), (node["right"], right, number)]
        feature, threshold, nan_left = self._asked(splits)
        return Tree(
            feature=feature,
            threshold=threshold,
            left=np.array(left, dtype=np.int64),
            right=np.array(right, dtype=np.int64),
            nan_left=nan_left,
            values=np.asarray(values, dtype=np.float64).reshape((-1,) if self.targets == 1 else (-1, self.targets)),
        )

    def _asked(
        self, splits: list[Mapping[str, Any] | None]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Column, bound and side of missing numbers for every split; None is a leaf."""
        known = [split or {} for split in splits]
        odd = {split["split_type"] for split in known if split} - {"FloatFeature"}
        if odd:
            raise NotCompilable(f"CatBoost's splits of type {', '.join(sorted(odd))} are not known")
        numbers = [split.get("float_feature_index", 0) for split in known]
        borders = np.array([split.get("border", 0.0) for split in known], dtype=np.float64).astype(np.float32)
        return (
            np.array([self._place[number] for number in numbers], dtype=np.int64),
            at_most_32(borders.astype(np.float64)),
            np.array([not self._nan_is_large[number] for number in numbers], dtype=np.bool_),
        )


def _json_of(fitted: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        fitted.save_model(str(path), format="json")
        return json.loads(path.read_text())


def _places(block: Block, names: list[str]) -> list[int]:
    """The columns of the block in the order of the training: by name if both have names, else by position."""
    _ = block.dtype
    if block.width < len(names):
        raise NotCompilable(f"it was trained on {len(names)} columns and gets {block.width}: CatBoost raises")
    if not block.is_frame or names == [str(place) for place in range(len(names))]:
        return list(range(len(names)))
    missing = [name for name in names if name not in block.names]
    if missing:
        raise NotCompilable(f"it was trained on a column {missing[0]!r}, which the signature does not have")
    return [block.names.index(name) for name in names]


@predictor("catboost.CatBoostRegressor", "catboost.CatBoost")
def regressor(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict":
        raise NotCompilable(f"{want} of {class_of(fitted)} is not known")
    kind = (
        fitted._get_default_prediction_type() if class_of(fitted) == "catboost.CatBoostRegressor" else "RawFormulaVal"
    )
    if kind not in ("RawFormulaVal", "Exponent"):
        raise NotCompilable(f"CatBoost's predictions of type {kind} are not known")
    raw = _raw(graph, _Model(fitted, block), block)
    value = graph.unary("exp", raw) if kind == "Exponent" else raw
    return scalar(value) if value.width == 1 else vector(value)


@predictor("catboost.CatBoostClassifier")
def classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    model = _Model(fitted, block)
    loss = str(fitted.get_all_params().get("loss_function", ""))
    if loss not in ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll"):
        raise NotCompilable(f"the loss {loss!r} of CatBoostClassifier is not known")
    if want == "predict":
        return _label(graph, fitted, model, block)
    if want not in ("predict_proba", "predict_log_proba"):
        raise NotCompilable(f"{want} of CatBoostClassifier is not known")
    raw = _raw(graph, model, block)
    if loss == "MultiClass":
        shares = graph.softmax(raw)
    elif loss == "MultiClassOneVsAll":
        shares = graph.unary("sigmoid", raw)
    else:
        shares = graph.concat([graph.unary("sigmoid", graph.unary("neg", raw)), graph.unary("sigmoid", raw)])
    return vector(shares if want == "predict_proba" else graph.unary("log", shares))


def _label(graph: Graph, fitted: Any, model: _Model, block: Block) -> Outcome:
    raw = _raw(graph, model, block)
    if model.targets > 1:
        found = labelled(graph.row("argmax", raw), fitted.classes_)
        # With more than two classes CatBoost answers a column, so every row is a list of one label.
        return Outcome(found.value, "vector", found.dtype, found.labels)
    if fitted.get_probability_threshold() != 0.5:
        raise NotCompilable("CatBoostClassifier with a probability threshold of the user's own")
    return labelled(graph.binary("less", np.zeros(1), raw), fitted.classes_)


def _raw(graph: Graph, model: _Model, block: Block) -> Value:
    return add_trees(graph, block.value, model.trees, model.targets, model.bias)
