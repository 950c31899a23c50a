"""A categorical column in a few kilobytes.

Exact counts of the reference's categories, the rest together; a frequent-items sketch (2^10 slots; counts off by at
most 3.5 / 2^10 = 0.35 percent of the rows, exact up to 768 distinct values; Anderson et al. 2017) that names new
categories; HyperLogLog (lg_k = 12; relative error 1.6 percent, one standard deviation; Flajolet et al. 2007) for the
number of distinct values.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import datasketches

from pierhead.statistics.counts import OTHER
from pierhead.statistics.framing import pack, unpack

LG_SLOTS = 10
LG_K = 12
_KIND = "categorical sketch"
_NO_FALSE_NEGATIVES = datasketches.frequent_items_error_type.NO_FALSE_NEGATIVES


class CategoricalSketch:
    """Counts per category of the rows added so far. Changes in place.

    `categories` are those that the reference counts; `other` counts rows of any other value, `nulls` rows without one.
    """

    def __init__(self, categories: Iterable[str] = ()) -> None:
        self.counts: dict[str, int] = {category: 0 for category in categories if category != OTHER}
        self.other = 0
        self.nulls = 0
        self._frequent = datasketches.frequent_strings_sketch(LG_SLOTS)
        self._distinct = datasketches.hll_union(LG_K)

    def add(self, values: Iterable[object], *, nulls: int = 0) -> None:
        """Take in a batch of values, as text; None and NaN are nulls."""
        counted = Counter(values)
        missing = sum(times for value, times in counted.items() if value is None or value != value)
        texts: Counter[str] = Counter()
        for value, times in counted.items():
            if value is not None and value == value:
                texts[str(value)] += times
        self.add_counts(texts, nulls=nulls + missing)

    def add_counts(self, counts: Mapping[str, int], *, nulls: int = 0) -> None:
        """Take in what a GROUP BY gave. Counts must be above 0."""
        self.nulls += nulls
        for category, times in counts.items():
            if category in self.counts:
                self.counts[category] += times
            else:
                self.other += times
            self._frequent.update(category, times)
            self._distinct.update(category)

    def merge(self, other: "CategoricalSketch") -> None:
        """Take in another sketch of the same column. Raises ValueError when its categories are others."""
        if self.counts.keys() != other.counts.keys():
            raise ValueError("sketches on different categories cannot be merged")
        for category, times in other.counts.items():
            self.counts[category] += times
        self.other += other.other
        self.nulls += other.nulls
        self._frequent.merge(other._frequent)
        self._distinct.update(other._distinct.get_result(datasketches.tgt_hll_type.HLL_8))

    @property
    def n(self) -> int:
        return sum(self.counts.values()) + self.other

    @property
    def rows(self) -> int:
        return self.n + self.nulls

    @property
    def distinct(self) -> float:
        """Estimated number of distinct values."""
        return float(self._distinct.get_estimate())

    @property
    def is_exact(self) -> bool:
        """Whether the frequent items hold every value with its exact count."""
        return all(lower == upper for _, _, lower, upper in self._items()) and sum(self.frequent().values()) == self.n

    def cells(self) -> dict[str, int]:
        """Counts of the reference's categories and `__other__`, ready for a distance."""
        return {**self.counts, OTHER: self.other} if self.other else dict(self.counts)

    def frequent(self, most: int | None = None) -> dict[str, int]:
        """Estimated counts of the most frequent values, largest first, ties by name."""
        counts = sorted(((item, times) for item, times, _, _ in self._items()), key=lambda pair: (-pair[1], pair[0]))
        return dict(counts[:most])

    def beyond(self) -> dict[str, int]:
        """The named values that are not among the reference's categories, with their (estimated) counts."""
        return {item: times for item, times in self.frequent().items() if item not in self.counts}

    def to_bytes(self) -> bytes:
        names = list(self.counts)
        head = {
            "kind": _KIND,
            "categories": names,
            "counts": [self.counts[name] for name in names],
            "other": self.other,
            "nulls": self.nulls,
        }
        distinct = self._distinct.get_result(datasketches.tgt_hll_type.HLL_8)
        return pack(head, self._frequent.serialize(), distinct.serialize_compact())

    @classmethod
    def from_bytes(cls, packed: bytes) -> "CategoricalSketch":
        """Raises ValueError when the bytes are not of a categorical sketch."""
        head, (frequent, distinct) = unpack(packed, _KIND, parts=2)
        sketch = cls()
        sketch.counts = dict(zip(head["categories"], head["counts"], strict=True))
        sketch.other, sketch.nulls = head["other"], head["nulls"]
        sketch._frequent = datasketches.frequent_strings_sketch.deserialize(frequent)
        sketch._distinct.update(datasketches.hll_sketch.deserialize(distinct))
        return sketch

    def _items(self) -> Sequence[tuple[str, int, int, int]]:
        """Value, estimate, lower and upper bound of its count."""
        items: Sequence[tuple[str, int, int, int]] = self._frequent.get_frequent_items(_NO_FALSE_NEGATIVES, 0)
        return items
