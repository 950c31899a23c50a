"""Whether the original itself leaves the label of a row open: its own scores for the best labels are the same."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.extract.native import NativeScorer, find_predict
from pierhead.compile.parity.cases import one_row

_TIE = 1e-9
_FAR_TIE = 1e-7
"""For distances, which are roots of differences of squares."""

_MOST_ASKED = 500


class Ties:
    """Of one PyFuncModel; asks a bounded number of times, after which nothing is a tie any more."""

    def __init__(self, model: Any) -> None:
        predict = find_predict(model)
        self._native = None if predict is None else NativeScorer(model, predict)
        self._raw = None if predict is None else model.get_raw_model()
        self._left = _MOST_ASKED

    def is_tie(self, body: bytes, at: int) -> bool:
        """For row `at` of a request."""
        if self._native is None or self._left == 0:
            return False
        self._left -= 1
        return is_open(self._raw, self._native.enforced(one_row(body, at)))


def is_open(fitted: Any, row: Any) -> bool:
    """`row` is the input of one row that `fitted` takes."""
    last = fitted.steps[-1][1] if hasattr(fitted, "steps") else fitted
    if getattr(last, "decision_function_shape", "") and len(getattr(last, "classes_", ())) > 2:
        return _has_open_vote(fitted, last, row)
    if hasattr(last, "cluster_centers_"):
        near, far = np.sort(np.ravel(fitted.transform(row)))[:2]
        return bool(far - near <= _FAR_TIE * far)
    return _is_even(_scores(fitted, row))


def _has_open_vote(fitted: Any, last: Any, row: Any) -> bool:
    """A machine for each pair of classes votes; one that cannot decide decides them all."""
    shape = last.decision_function_shape
    last.decision_function_shape = "ovo"
    try:
        return bool((np.abs(np.ravel(fitted.decision_function(row))) <= _TIE).any())
    finally:
        last.decision_function_shape = shape


def _scores(fitted: Any, row: Any) -> NDArray[np.float64]:
    for name in ("predict_proba", "decision_function"):
        if callable(getattr(fitted, name, None)):
            return np.asarray(getattr(fitted, name)(row), dtype=np.float64).ravel()
    return np.empty(0)


def _is_even(scores: Sequence[float] | NDArray[np.float64]) -> bool:
    """A single score is signed.

    >>> _is_even([0.5, 0.5]), _is_even([0.5, 0.4, 0.1]), _is_even([1e-17]), _is_even([])
    (True, False, True, False)
    """
    if len(scores) == 0:
        return False
    if len(scores) == 1:
        return bool(abs(scores[0]) <= _TIE)
    highest, second = sorted(scores, reverse=True)[:2]
    return bool(highest - second <= _TIE)
