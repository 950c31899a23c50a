"""What scikit-learn's tree models have in common: their trees, which rows they refuse, and answers of classifiers."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import class_of
from pierhead.compile.extract.sklearn_arrays import picked
from pierhead.compile.extract.tree_columns import decline_infinite, decline_unless_finite, likeliest, with_rest
from pierhead.compile.extract.trees import LEAF, Tree, at_most_32

_SINGLE_TREES = {
    f"sklearn.{kind}{what}" for kind in ("DecisionTree", "ExtraTree") for what in ("Classifier", "Regressor")
}


def is_single_tree(fitted: Any) -> bool:
    return class_of(fitted) in _SINGLE_TREES


def tree_of(fitted: Any, values: NDArray[np.float64], target: int | NDArray[np.int64] = 0) -> Tree:
    """The tree of a DecisionTree* or ExtraTree*, which rounds its input to float32, with these values at its nodes."""
    grown = fitted.tree_
    left = np.asarray(grown.children_left, dtype=np.int64)
    # Before 1.3 there were no missing values.
    nan_left = getattr(grown, "missing_go_to_left", np.zeros(len(left)))
    return Tree(
        feature=np.where(left == LEAF, 0, grown.feature),
        threshold=at_most_32(grown.threshold),
        left=left,
        right=np.asarray(grown.children_right, dtype=np.int64),
        nan_left=np.asarray(nan_left, dtype=np.bool_),
        values=values,
        target=target,
    )


def shares_of(fitted: Any) -> NDArray[np.float64]:
    """The probabilities of the classes at every node of a tree classifier: `[nodes, classes]`.

    Raises NotCompilable if it predicts several things at once.
    """
    if fitted.n_outputs_ != 1:
        raise NotCompilable(f"{class_of(fitted)} predicts {fitted.n_outputs_} things at once")
    counts = np.asarray(fitted.tree_.value, dtype=np.float64)[:, 0, :]
    totals = counts.sum(axis=1, keepdims=True)
    # Since 1.3 they are shares already, which another division would only blur.
    return counts if np.allclose(totals, 1.0) else np.asarray(counts / np.where(totals == 0, 1.0, totals))


def means_of(fitted: Any) -> NDArray[np.float64]:
    """What a tree regressor predicts at every node: `[nodes]`, or `[nodes, outputs]` if it predicts several things."""
    means = np.asarray(fitted.tree_.value, dtype=np.float64)[:, :, 0]
    return means[:, 0] if fitted.n_outputs_ == 1 else means


def decline_what_raises(
    graph: Graph, fitted: Any, block: Block, *, seen: Sequence[int] | None = None, is_single: bool = True
) -> None:
    """Leave rows with missing or infinite numbers to the original if it raises for them, which it is asked here.

    `seen`: the columns it looks at, else all. `is_single`: it rounds to float32 first, so numbers beyond that are
    infinite to it. Raises NotCompilable if there is text in the block.
    """
    _ = block.dtype
    checked = block if seen is None else picked(graph, block, seen)
    if not _takes(fitted, block, np.nan):
        decline_unless_finite(graph, checked, is_single=is_single)
    elif not _takes(fitted, block, np.inf):
        decline_infinite(graph, checked, is_single=is_single)


def _takes(fitted: Any, block: Block, number: float) -> bool:
    row: Any = np.full((1, block.width), number)
    if block.is_sparse:
        from scipy import sparse

        row = sparse.csr_matrix(row)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (fitted.predict if hasattr(fitted, "predict") else fitted.transform)(row)
        except ValueError:
            return False
    return True


def classified(graph: Graph, fitted: Any, shares: Value, want: str) -> Outcome:
    """What a classifier answers that predicts the likeliest class; of two classes `shares` are the second one's alone.

    Raises NotCompilable if `want` is something else.
    """
    if want == "predict":
        return labelled(likeliest(graph, shares), fitted.classes_)
    both = with_rest(graph, shares) if shares.width == 1 and len(fitted.classes_) == 2 else shares
    return probabilities(graph, fitted, both, want)


def probabilities(graph: Graph, fitted: Any, shares: Value, want: str) -> Outcome:
    """Raises NotCompilable if probabilities are not what is wanted."""
    if want == "predict_proba":
        return vector(shares)
    if want == "predict_log_proba":
        return vector(graph.unary("log", shares))
    raise not_answered(fitted, want)


def predicted(fitted: Any, value: Value, want: str) -> Outcome:
    """What a regressor answers. Raises NotCompilable if `want` is not `predict`."""
    if want != "predict":
        raise not_answered(fitted, want)
    return scalar(value) if value.width == 1 else vector(value)


def not_answered(fitted: Any, want: str) -> NotCompilable:
    return NotCompilable(f"{want} of {class_of(fitted)} is not known")
