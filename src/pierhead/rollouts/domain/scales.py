"""What answers are counted in: bins that the champion's first answers fix once and for all."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pierhead.rollouts.domain.scores import Plain

MOST_EDGES = 50
MOST_CATEGORIES = 64
COARSE_BINS = 8
"""Slices have fewer answers, and there are many of them."""

_TOLERANCE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Scale:
    """Bins for numbers by upper edges, or for categories by their names; one more bin at the end takes all else.

    `tolerance` is how far apart two numbers may be and still agree.
    """

    edges: tuple[float, ...]
    categories: tuple[str, ...]
    tolerance: float

    @property
    def bins(self) -> int:
        """How many there are. Numbers have one beyond the highest edge, and one for what is no number."""
        return len(self.edges) + 2 if self.edges else len(self.categories) + 1

    def bin_of(self, score: Plain) -> int:
        """
        >>> Scale((0.0, 1.0), (), 0.1).bin_of(0.5), Scale((), ("a", "b"), 0.1).bin_of("c")
        (1, 2)
        """
        if not self.edges:
            return self.categories.index(score) if score in self.categories else len(self.categories)
        return len(self.edges) + 1 if isinstance(score, str) else bisect_left(self.edges, score)

    def coarse(self, place: int) -> int:
        """The bin of a slice for a bin of the whole."""
        if self.bins <= COARSE_BINS:
            return place
        return place * COARSE_BINS // self.bins if self.edges else min(place, COARSE_BINS - 1)

    def to_json(self) -> list[Any]:
        return [list(self.edges), list(self.categories), self.tolerance]

    @classmethod
    def from_json(cls, value: list[Any]) -> "Scale":
        edges, categories, tolerance = value
        return cls(tuple(edges), tuple(categories), tolerance)


def scale_of(scores: Sequence[Plain], tolerance: float | None, span: float) -> Scale:
    """The scale for answers like these: numbers if most of them are, else categories, the most frequent first.

    Edges are the values themselves where they are few, else quantiles. Without a `tolerance` it is a tenth of `span`,
    the range of the numbers.
    """
    numbers = sorted(score for score in scores if isinstance(score, float))
    if 2 * len(numbers) < len(scores):
        counts = Counter(score for score in scores if isinstance(score, str))
        return Scale((), tuple(name for name, _ in counts.most_common(MOST_CATEGORIES)), tolerance or 0.0)
    if tolerance is None:
        tolerance = _TOLERANCE_SHARE * span
    distinct = sorted(set(numbers))
    if len(distinct) > MOST_EDGES:
        places = (round(step * (len(numbers) - 1) / MOST_EDGES) for step in range(1, MOST_EDGES))
        distinct = sorted({numbers[place] for place in places})
    return Scale(tuple(distinct), (), tolerance)
