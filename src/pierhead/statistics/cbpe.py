"""What quality to expect before labels come: confidence-based performance estimation (CBPE).

Probabilities are calibrated by isotonic regression on the reference, where labels are known; a row then counts as
positive with its calibrated probability, so the expected confusion matrix and AUC follow without labels. It sees
covariate shift only: when the relation between features and label changes, calibrated probabilities are wrong and so is
the estimate. It is shown as an estimate and decides nothing. Source: NannyML's documentation of CBPE; isotonic
regression: Barlow et al. (1972), pool adjacent violators.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import Floats, Samples
from pierhead.statistics.method import MethodSpec
from pierhead.statistics.quality import confusion
from pierhead.statistics.quality.intervals import normal
from pierhead.statistics.sequential.interval import Interval

METHOD = MethodSpec(
    "cbpe",
    variant="isotonic calibration on the reference, linear between its points; expected confusion matrix; blind to "
    "concept drift; interval of sampling alone, 95 percent",
)


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A rising map from score to probability: linear between the points, flat beyond them."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, scores: Samples) -> Floats:
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)

    def as_json(self) -> dict[str, Any]:
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Calibrator":
        return cls(tuple(stored["scores"]), tuple(stored["probabilities"]))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected quality of the positive class of `n` rows. Precision, recall, F1 and AUC are None where undefined."""

    n: int
    positive_share: float
    accuracy: float
    accuracy_interval: Interval
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    method: MethodSpec = METHOD


def fit(positive: npt.NDArray[np.bool_], scores: Samples) -> Calibrator:
    """Calibrate scores on the reference.

    Raises ValueError without rows, when lengths differ or a score is not finite.
    """
    labels, points = np.asarray(positive, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if labels.shape != points.shape or labels.size == 0:
        raise ValueError(f"{labels.size} labels for {points.size} scores: must be as many, and some")
    if not np.isfinite(points).all():
        raise ValueError("scores must be finite")
    # Imported here: scipy.optimize takes long to load, and few callers calibrate.
    from scipy.optimize import isotonic_regression

    values, group, rows = np.unique(points, return_inverse=True, return_counts=True)
    rates = np.bincount(group.ravel(), weights=labels) / rows
    fitted = np.clip(isotonic_regression(rates, weights=rows).x, 0.0, 1.0)
    # Only the ends of the flat parts say anything: a few points instead of one a score.
    flat = np.zeros(fitted.size, dtype=bool)
    flat[1:-1] = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    return Calibrator(tuple(values[~flat].tolist()), tuple(fitted[~flat].tolist()))


def estimate(calibrator: Calibrator, scores: Samples, predicted: npt.NDArray[np.bool_]) -> Estimate | None:
    """Expected quality of binary predictions (`predicted`: positive or not) with these scores; None without rows.

    Raises ValueError when lengths differ.
    """
    points, guesses = np.asarray(scores, dtype=np.float64), np.asarray(predicted, dtype=bool)
    if points.shape != guesses.shape:
        raise ValueError(f"{points.size} scores for {guesses.size} predictions")
    if points.size == 0:
        return None
    chances = calibrator(points)
    table = _expected_table(chances, guesses)
    accuracy = confusion.accuracy(table)
    true_positives, labels, predictions = table[1, 1], table[1].sum(), table[:, 1].sum()
    return Estimate(
        n=int(points.size),
        positive_share=float(chances.mean()),
        accuracy=accuracy,
        accuracy_interval=_within(normal(accuracy, math.sqrt(float(np.sum(chances * (1 - chances)))) / points.size)),
        precision=_share(true_positives, predictions),
        recall=_share(true_positives, labels),
        f1=_share(2 * true_positives, labels + predictions),
        roc_auc=expected_auc(chances, points),
    )


def estimate_multiclass(probabilities: Floats, predicted: npt.NDArray[np.int64]) -> float | None:
    """Expected accuracy from calibrated class probabilities, shape (n, classes), and predicted columns.

    Rows are made to sum to 1, since classes are calibrated one against the rest; a row of zeros counts as even.
    """
    if predicted.size == 0:
        return None
    totals = probabilities.sum(axis=1, keepdims=True)
    even = np.full(probabilities.shape, 1 / probabilities.shape[1])
    shares = np.divide(probabilities, totals, out=even, where=totals > 0)
    return float(shares[np.arange(predicted.size), predicted].mean())


def expected_auc(chances: Floats, scores: Floats) -> float | None:
    """AUC in expectation: over all pairs of different rows, the chance to be positive and negative, rightly ordered.

    Sum over i != j of p_i (1 - p_j) [s_i > s_j] + half of ties, over the sum of p_i (1 - p_j); None when that is 0.
    """
    _, group = np.unique(scores, return_inverse=True)
    positives = np.bincount(group.ravel(), weights=chances)
    negatives = np.bincount(group.ravel(), weights=1 - chances)
    own = float(np.sum(chances * (1 - chances)))
    pairs = float(positives.sum() * negatives.sum()) - own
    if pairs <= 1e-12 * max(1, scores.size):
        return None
    below = np.cumsum(negatives) - negatives
    ordered = float(positives @ below) + (float(positives @ negatives) - own) / 2
    return min(1.0, max(0.0, ordered / pairs))


def _expected_table(chances: Floats, guesses: npt.NDArray[np.bool_]) -> Floats:
    """Rows: label negative, positive; columns: predicted negative, positive."""
    positive = np.bincount(guesses.astype(np.int64), weights=chances, minlength=2)
    negative = np.bincount(guesses.astype(np.int64), weights=1 - chances, minlength=2)
    return np.vstack([negative, positive])


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _within(interval: Interval) -> Interval:
    return Interval(max(0.0, interval.lower), min(1.0, interval.upper))
