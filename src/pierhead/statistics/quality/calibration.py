"""Whether predicted probabilities mean what they say (binary).

Brier score: mean of (probability - label)^2 (Brier 1950). ECE: over 10 bins of equal width, (lower, upper], 0 in the
first, the mean of |observed rate - mean probability| weighted by the rows in the bin (Naeini et al. 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import Samples
from pierhead.statistics.method import MethodSpec
from pierhead.statistics.quality.intervals import mean_interval, wilson
from pierhead.statistics.sequential.interval import Interval

BINS = 10
METHOD = MethodSpec(
    "calibration", variant="ECE and Brier score, binary", bins="10 of equal width on [0, 1], (lower, upper]"
)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows with a probability in (lower, upper]: what was said on average, and what came."""

    lower: float
    upper: float
    n: int
    mean_probability: float
    observed_rate: float
    observed_interval: Interval


@dataclass(frozen=True, slots=True)
class CalibrationQuality:
    """`bins` are those with rows, in order."""

    n: int
    ece: float
    brier: float
    brier_interval: Interval | None
    bins: tuple[ReliabilityBin, ...]
    method: MethodSpec = METHOD


def measure(positive: Sequence[bool] | npt.NDArray[np.bool_], probabilities: Samples) -> CalibrationQuality | None:
    """Calibration of the probabilities of the positive class; None without rows.

    Raises ValueError when lengths differ or a probability is outside [0, 1].
    """
    labels, said = np.asarray(positive, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    if labels.shape != said.shape:
        raise ValueError(f"{labels.size} labels for {said.size} probabilities")
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError("probabilities must be in [0, 1]")
    if labels.size == 0:
        return None
    edges = np.arange(BINS + 1) / BINS
    bins = np.searchsorted(edges[1:-1], said, side="left")
    rows = np.bincount(bins, minlength=BINS)
    positives = np.bincount(bins, weights=labels, minlength=BINS)
    sums = np.bincount(bins, weights=said, minlength=BINS)
    squares = (said - labels) ** 2
    return CalibrationQuality(
        n=int(labels.size),
        ece=float(np.abs(positives - sums).sum()) / labels.size,
        brier=float(squares.mean()),
        brier_interval=mean_interval(squares),
        bins=tuple(
            ReliabilityBin(
                float(edges[i]),
                float(edges[i + 1]),
                int(rows[i]),
                float(sums[i] / rows[i]),
                float(positives[i] / rows[i]),
                wilson(float(positives[i]), int(rows[i])),
            )
            for i in np.flatnonzero(rows)
        ),
    )
