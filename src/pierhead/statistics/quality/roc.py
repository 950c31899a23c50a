"""Area under the ROC curve: the chance that a positive row scores above a negative one, ties half."""

import math

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import Floats
from pierhead.statistics.quality.intervals import ALPHA, normal
from pierhead.statistics.sequential.interval import Interval


def auc(positive: npt.NDArray[np.bool_], scores: Floats) -> float | None:
    """Mann-Whitney's U over the number of pairs; None when one class is missing."""
    places = _placements(scores[positive], scores[~positive])
    return None if places is None else float(places[0].mean())


def auc_interval(positive: npt.NDArray[np.bool_], scores: Floats, alpha: float = ALPHA) -> Interval | None:
    """DeLong's interval, cut to [0, 1]; None below two rows of a class. Source: DeLong et al. (1988)."""
    above, below = scores[positive], scores[~positive]
    places = _placements(above, below)
    if places is None or min(above.size, below.size) < 2:
        return None
    variance = sum(float(side.var(ddof=1)) / side.size for side in places)
    interval = normal(float(places[0].mean()), math.sqrt(variance), alpha)
    return Interval(max(0.0, interval.lower), min(1.0, interval.upper))


def one_vs_one_weighted(labels: npt.NDArray[np.int64], probabilities: Floats) -> float | None:
    """Mean AUC over pairs of classes, both ways round, weighted by how often the pair occurs (Hand & Till 2001).

    `labels` are positions in the columns of `probabilities`, shape (n, classes). Pairs with a class that has no label
    are left out; None when no pair remains. Two classes: the AUC of the second.
    """
    if probabilities.shape[1] == 2:
        return auc(labels == 1, probabilities[:, 1])
    present = np.unique(labels)
    areas, weights = [], []
    for position, first in enumerate(present):
        for second in present[position + 1 :]:
            pair = (labels == first) | (labels == second)
            sides = [
                auc(labels[pair] == first, probabilities[pair, first]),
                auc(labels[pair] == second, probabilities[pair, second]),
            ]
            areas.append(sum(side for side in sides if side is not None) / 2)
            weights.append(pair.mean())
    return float(np.average(areas, weights=weights)) if areas else None


def _placements(above: Floats, below: Floats) -> tuple[Floats, Floats] | None:
    """For each row of a side the share of the other side it is rightly ordered against."""
    if not above.size or not below.size:
        return None
    return _share_below(above, below), 1 - _share_below(below, above)


def _share_below(values: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    smaller = np.searchsorted(ordered, values, side="left")
    not_larger = np.searchsorted(ordered, values, side="right")
    return np.asarray((smaller + not_larger) / (2 * others.size))
