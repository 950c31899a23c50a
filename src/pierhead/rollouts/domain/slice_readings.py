"""What the values of categorical features have shown, each by itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from pierhead.rollouts.domain.arm_readings import add_counts
from pierhead.rollouts.domain.scales import COARSE_BINS
from pierhead.rollouts.domain.slices import MOST_COLUMNS, MOST_VALUES

CHAMPION, CANDIDATE = 0, 1

UNREADABLE = COARSE_BINS
"""The bin, behind those of the scale, of answers that cannot be compared."""


class SliceReading:
    """Per arm calls, failures and answers by coarse bins; pairs, and the sum of their disagreement (0-1 each)."""

    __slots__ = ("bins", "disagreement", "failures", "pairs", "requests")

    def __init__(self) -> None:
        self.requests = [0, 0]
        self.failures = [0, 0]
        self.bins: list[list[int]] = [[], []]
        self.pairs = 0
        self.disagreement = 0.0

    def add_bin(self, arm: int, place: int) -> None:
        if not self.bins[arm]:
            self.bins[arm] = [0] * (UNREADABLE + 1)
        self.bins[arm][place] += 1

    def merge(self, other: "SliceReading") -> None:
        self.requests = add_counts(self.requests, other.requests)
        self.failures = add_counts(self.failures, other.failures)
        self.bins = [add_counts(mine, theirs) for mine, theirs in zip(self.bins, other.bins, strict=True)]
        self.pairs += other.pairs
        self.disagreement += other.disagreement

    def to_json(self) -> list[Any]:
        return [list(self.requests), list(self.failures), [*map(list, self.bins)], self.pairs, self.disagreement]

    @classmethod
    def from_json(cls, value: list[Any]) -> "SliceReading":
        reading = cls()
        requests, failures, bins, reading.pairs, reading.disagreement = value
        reading.requests, reading.failures = list(requests), list(failures)
        reading.bins = [list(counts) for counts in bins]
        return reading


class SliceTable:
    """Slices by column and value. A column that shows more than 20 values is no category, and never looked at again;
    of the others the first 10 count."""

    __slots__ = ("columns", "retired")

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, SliceReading]] = {}
        self.retired: set[str] = set()

    def of(self, slices: Mapping[str, str]) -> list[SliceReading]:
        """The readings that one row belongs to."""
        found = []
        for column, value in slices.items():
            values = self.columns.get(column)
            if values is None:
                values = self._begin(column)
            if values is None:
                continue
            reading = values.get(value)
            if reading is None:
                if len(values) >= MOST_VALUES:
                    self._retire(column)
                    continue
                reading = values[value] = SliceReading()
            found.append(reading)
        return found

    def open(self, slices: Mapping[str, str]) -> dict[str, str]:
        """Of one row's slices those that may still count, at most ten: what waits to be counted keeps no others."""
        room = MOST_COLUMNS - len(self.columns)
        new = [name for name in slices if name not in self.columns and name not in self.retired][:room]
        return {name: value for name, value in slices.items() if name in self.columns or name in new}

    def __iter__(self) -> Iterator[tuple[str, str, SliceReading]]:
        for column, values in self.columns.items():
            for value, reading in values.items():
                yield column, value, reading

    def merge(self, other: "SliceTable") -> None:
        for column in other.retired:
            self._retire(column)
        for column, value, theirs in other:
            for mine in self.of({column: value}):
                mine.merge(theirs)

    def _begin(self, column: str) -> dict[str, SliceReading] | None:
        if column in self.retired or len(self.columns) >= MOST_COLUMNS:
            return None
        return self.columns.setdefault(column, {})

    def _retire(self, column: str) -> None:
        self.columns.pop(column, None)
        # What requests name is without end, what is kept is not.
        if len(self.retired) < MOST_COLUMNS * MOST_VALUES:
            self.retired.add(column)

    def to_json(self) -> dict[str, Any]:
        columns = {
            column: {value: reading.to_json() for value, reading in values.items()}
            for column, values in self.columns.items()
        }
        return {"columns": columns, "retired": sorted(self.retired)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "SliceTable":
        table = cls()
        table.retired = set(value["retired"])
        table.columns = {
            column: {each: SliceReading.from_json(reading) for each, reading in values.items()}
            for column, values in value["columns"].items()
        }
        return table
