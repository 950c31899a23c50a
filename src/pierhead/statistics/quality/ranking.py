"""Quality of rankings: one query's items ordered by score, judged by their relevance.

NDCG@k: gain is the relevance itself, discount 1 / log2(rank + 1), ranks beyond k count nothing, items of equal score
share their mean gain (McSherry & Najork 2008); divided by the best order's. Precision@k: the share of relevant items
(relevance > 0) among the first k, ties shared likewise, divided by k even when there are fewer items.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import Floats, Samples
from pierhead.statistics.method import MethodSpec
from pierhead.statistics.quality.intervals import mean_interval
from pierhead.statistics.sequential.interval import Interval

METHOD = MethodSpec(
    "ranking", variant="linear gain, ties averaged, queries without a relevant item left out of NDCG", base=2.0
)


@dataclass(frozen=True, slots=True)
class RankingQuality:
    """Means over queries. `ndcg` is None when no query has a relevant item; `n_ndcg` counts those that have."""

    k: int
    queries: int
    n_ndcg: int
    ndcg: float | None
    ndcg_interval: Interval | None
    precision: float
    precision_interval: Interval | None
    method: MethodSpec = METHOD


def measure(
    queries: Sequence[object] | npt.NDArray[np.generic], relevance: Samples, scores: Samples, *, k: int = 10
) -> RankingQuality | None:
    """Quality of the scores of items, one row an item, grouped by query; None without rows.

    Raises ValueError when lengths differ, k < 1 or a relevance is below 0.
    """
    gains, points = np.asarray(relevance, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    names = np.asarray([str(query) for query in queries])
    if not names.shape == gains.shape == points.shape:
        raise ValueError(f"{names.size} queries, {gains.size} relevances and {points.size} scores: must be as many")
    if k < 1 or (gains < 0).any():
        raise ValueError("k must be at least 1 and no relevance below 0")
    if gains.size == 0:
        return None
    order = np.argsort(names, kind="stable")
    starts = np.unique(names[order], return_index=True)[1]
    groups = np.split(order, starts[1:])
    found = [value for group in groups if (value := ndcg(gains[group], points[group], k)) is not None]
    shares = np.array([precision(gains[group], points[group], k) for group in groups])
    return RankingQuality(
        k=k,
        queries=len(groups),
        n_ndcg=len(found),
        ndcg=float(np.mean(found)) if found else None,
        ndcg_interval=mean_interval(np.array(found)),
        precision=float(shares.mean()),
        precision_interval=mean_interval(shares),
    )


def ndcg(relevance: Floats, scores: Floats, k: int) -> float | None:
    """NDCG@k of one query; None without a relevant item."""
    weights = np.zeros(relevance.size)
    weights[:k] = 1 / np.log2(np.arange(2, min(k, relevance.size) + 2))
    best = float(np.sort(relevance)[::-1] @ weights)
    return float(_shared_gains(relevance, scores) @ weights) / best if best > 0 else None


def precision(relevance: Floats, scores: Floats, k: int) -> float:
    """Precision@k of one query."""
    return float(_shared_gains((relevance > 0).astype(np.float64), scores)[:k].sum()) / k


def _shared_gains(gains: Floats, scores: Floats) -> Floats:
    """Gains in order of falling score, each the mean of those with the same score."""
    _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    return np.repeat(np.bincount(group.ravel(), weights=gains) / sizes, sizes)
