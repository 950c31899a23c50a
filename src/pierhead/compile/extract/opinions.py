"""How strongly a model feels for each label of a row: what tells a tie from a mistake."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

Opinion = dict[str, Any]
"""`{"labels": [...], "scores": [...]}`, higher wins."""

_OPEN = 1e-9
"""A duel of two classes that ends closer than this is decided by rounding."""

_MOST_OPEN = 8


def opinion_of(fitted: Any, rows: Any) -> Opinion | None:
    """Of a classifier, clusterer or outlier detector, on the one row of `rows`; None if it does not say.

    Scores within 1e-9 leave it open which label wins: votes of duels and distances are scaled for that.
    """
    steps, last = _parts(fitted)
    if getattr(last, "decision_function_shape", "") and len(last.classes_) > 2:
        return _of_duels(fitted, last, rows)
    if hasattr(last, "cluster_centers_"):
        for step in steps:
            rows = step.transform(rows)
        return _of_centers(last.cluster_centers_, rows)
    for name in ("predict_proba", "decision_function"):
        if callable(getattr(fitted, name, None)):
            scores = _as_list(getattr(fitted, name)(rows))
            labels = _labels(fitted, name, len(scores))
            if len(labels) == len(scores):
                return {"labels": labels, "scores": scores}
    return None


def _parts(fitted: Any) -> tuple[list[Any], Any]:
    """The transformers of a pipeline and what comes last; searches and pipelines may be inside of each other."""
    steps: list[Any] = []
    while True:
        if hasattr(fitted, "best_estimator_"):
            fitted = fitted.best_estimator_
        elif hasattr(fitted, "steps"):
            steps += [step for _, step in fitted.steps[:-1] if hasattr(step, "transform")]
            fitted = fitted.steps[-1][1]
        else:
            return steps, fitted


def _of_duels(fitted: Any, last: Any, rows: Any) -> Opinion:
    """A support vector machine for every pair of classes votes: 1 for each class that may win, open duels either way.

    Of an equal number of votes the first class wins, or that with the larger sum if the machine breaks ties.
    """
    import numpy as np

    shape = last.decision_function_shape
    last.decision_function_shape = "ovo"
    try:
        duels = np.ravel(fitted.decision_function(rows)).tolist()
    finally:
        last.decision_function_shape = shape
    count = len(last.classes_)
    leaning = _leaning(duels, count) if last.break_ties else [0.0] * count
    winners = {_winner(firsts, leaning) for firsts in _outcomes(duels)}
    scores = [float(place in winners) for place in range(len(last.classes_))]
    return {"labels": _plain(last.classes_), "scores": scores}


def _outcomes(duels: Sequence[float]) -> list[tuple[bool, ...]]:
    """Whether the first class of each pair wins, in all ways that rounding leaves open."""
    is_open = [abs(duel) <= _OPEN for duel in duels]
    if sum(is_open) > _MOST_OPEN:
        is_open = [False] * len(duels)
    ways = [(True, False) if either else (duel > 0,) for duel, either in zip(duels, is_open, strict=True)]
    return list(product(*ways))


def _leaning(duels: Sequence[float], count: int) -> list[float]:
    """Below a third of a vote: how the duels of each class went together."""
    sums = [0.0] * count
    for duel, (a, b) in zip(duels, combinations(range(count), 2), strict=True):
        sums[a] += duel
        sums[b] -= duel
    return [total / (3 * (abs(total) + 1)) for total in sums]


def _winner(firsts: Sequence[bool], leaning: Sequence[float]) -> int:
    votes = list(leaning)
    for first_wins, (a, b) in zip(firsts, combinations(range(len(votes)), 2), strict=True):
        votes[a if first_wins else b] += 1
    return votes.index(max(votes))


def _of_centers(centers: Any, row: Any) -> Opinion:
    """Minus the squared distances, without what all share, in the size of the largest product that goes into them."""
    import numpy as np

    lengths = np.sum(np.square(centers, dtype=np.float64), axis=1)
    distances = lengths - 2.0 * np.ravel(row @ centers.T)
    size = float(np.max(lengths + 2.0 * np.ravel(abs(row) @ np.abs(centers).T)))
    scores = -distances / size if size > 0 else -distances
    return {"labels": list(range(len(scores))), "scores": scores.tolist()}


def _as_list(array: Any) -> list[float]:
    """One row's scores; a single signed score becomes one for each side of zero."""
    import numpy as np

    row = np.asarray(array, dtype=float)[0]
    if row.ndim == 0 or row.size == 1:
        return [-float(row.item()), float(row.item())]
    return [float(score) for score in row]


def _labels(fitted: Any, name: str, count: int) -> list[Any]:
    classes = getattr(fitted, "classes_", None)
    if classes is not None:
        return _plain(classes)
    # Outlier detectors answer -1 and 1, mixtures the number of a component.
    return [-1, 1] if name == "decision_function" and count == 2 else list(range(count))


def _plain(classes: Any) -> list[Any]:
    return [label.item() if hasattr(label, "item") else label for label in classes]
