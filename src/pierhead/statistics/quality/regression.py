"""Quality of predicted numbers.

Errors are prediction - label. MAPE leaves out rows whose label is 0 (`n_percentage` counts the rest): their relative
error has no value. R2 = 1 - sum of squared errors / sum of squared deviations of the labels.
"""

import math
from dataclasses import dataclass

import numpy as np

from pierhead.statistics.counts import Floats, Samples
from pierhead.statistics.method import MethodSpec
from pierhead.statistics.quality.intervals import mean_interval
from pierhead.statistics.sequential.interval import Interval

METHOD = MethodSpec(
    "regression", variant="MAPE without labels of 0; R2 about the labels' mean; normal intervals at 95 percent"
)


@dataclass(frozen=True, slots=True)
class RegressionQuality:
    """MSE in squared units, RMSE and MAE in the label's unit, MAPE as a share (0.1 is 10 percent).

    `mape` is None when all labels are 0, `r2` when they are all equal, intervals below two rows.
    """

    n: int
    mse: float
    mse_interval: Interval | None
    rmse: float
    rmse_interval: Interval | None
    mae: float
    mae_interval: Interval | None
    mape: float | None
    n_percentage: int
    r2: float | None
    method: MethodSpec = METHOD


def measure(labels: Samples, predictions: Samples) -> RegressionQuality | None:
    """Quality of predictions against labels, row by row; None without rows.

    Raises ValueError when lengths differ or a number is not finite.
    """
    truth, guesses = np.asarray(labels, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    if truth.shape != guesses.shape or truth.ndim != 1:
        raise ValueError(f"labels have shape {truth.shape}, predictions {guesses.shape}: must be equal, of one axis")
    if not (np.isfinite(truth).all() and np.isfinite(guesses).all()):
        raise ValueError("labels and predictions must be finite")
    if truth.size == 0:
        return None
    errors = guesses - truth
    squares, sizes = errors**2, np.abs(errors)
    mse, mse_interval = float(squares.mean()), mean_interval(squares)
    divisible = truth != 0
    return RegressionQuality(
        n=int(truth.size),
        mse=mse,
        mse_interval=mse_interval,
        rmse=math.sqrt(mse),
        rmse_interval=_rooted(mse_interval),
        mae=float(sizes.mean()),
        mae_interval=mean_interval(sizes),
        mape=float((sizes[divisible] / np.abs(truth[divisible])).mean()) if divisible.any() else None,
        n_percentage=int(divisible.sum()),
        r2=_r2(truth, squares),
    )


def _rooted(interval: Interval | None) -> Interval | None:
    """The root of an interval is an interval of the root, at the same confidence."""
    if interval is None:
        return None
    return Interval(math.sqrt(max(0.0, interval.lower)), math.sqrt(max(0.0, interval.upper)))


def _r2(truth: Floats, squares: Floats) -> float | None:
    if truth.min() == truth.max():
        return None
    return 1 - float(squares.sum()) / float(np.sum((truth - truth.mean()) ** 2))
