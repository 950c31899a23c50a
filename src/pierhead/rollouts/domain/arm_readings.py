"""What one arm, champion or candidate, has shown in a step."""

from typing import Any

from pierhead.rollouts.domain.latencies import Latencies
from pierhead.rollouts.domain.observations import Ending, Observation
from pierhead.rollouts.domain.scores import Plain
from pierhead.statistics.sequential.means import Moments

_COUNTED = (Ending.ANSWERED, Ending.CALLER_ERROR, Ending.SERVER_ERROR, Ending.TIMEOUT)
_TIMED = frozenset({Ending.ANSWERED, Ending.TIMEOUT})


class ArmReading:
    """Calls by how they ended; latencies of those that were answered or timed out; answers by the scale's bins.

    `unreadable` counts those that were answered with nothing that can be compared. `last_at_ms` is the time of the call
    counted last, 0 before the first.
    """

    __slots__ = ("bins", "endings", "last_at_ms", "latencies", "numbers", "unreadable")

    def __init__(self) -> None:
        self.endings = dict.fromkeys(_COUNTED, 0)
        self.latencies = Latencies()
        self.bins: list[int] = []
        self.numbers = Moments()
        self.unreadable = 0
        self.last_at_ms = 0

    @property
    def requests(self) -> int:
        return sum(self.endings.values())

    @property
    def failures(self) -> int:
        """Calls that the model or its worker is guilty of."""
        return self.endings[Ending.SERVER_ERROR] + self.endings[Ending.TIMEOUT]

    @property
    def refusals(self) -> int:
        """Calls answered with 4xx."""
        return self.endings[Ending.CALLER_ERROR]

    def add(self, observation: Observation) -> None:
        self.endings[observation.ending] += 1
        if observation.ending in _TIMED:
            self.latencies.add(observation.latency_ms)
        # Not the latest moment: a clock may be set back.
        self.last_at_ms = observation.at_ms

    def add_score(self, score: Plain, place: int, bins: int) -> None:
        if not self.bins:
            self.bins = [0] * bins
        self.bins[place] += 1
        if isinstance(score, float):
            self.numbers = self.numbers.add(score)

    def merge(self, other: "ArmReading") -> None:
        for ending, count in other.endings.items():
            self.endings[ending] += count
        self.latencies.merge(other.latencies)
        self.bins = add_counts(self.bins, other.bins)
        self.numbers = self.numbers.merge(other.numbers)
        self.unreadable += other.unreadable
        self.last_at_ms = max(self.last_at_ms, other.last_at_ms)

    def to_json(self) -> dict[str, Any]:
        return {
            "endings": {ending.value: count for ending, count in self.endings.items()},
            "latencies": self.latencies.to_json(),
            "bins": list(self.bins),
            "numbers": moments_json(self.numbers),
            "unreadable": self.unreadable,
            "last_at_ms": self.last_at_ms,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ArmReading":
        arm = cls()
        arm.endings = {ending: value["endings"][ending.value] for ending in _COUNTED}
        arm.latencies = Latencies.from_json(value["latencies"])
        arm.bins = list(value["bins"])
        arm.numbers = Moments(*value["numbers"])
        arm.unreadable = value["unreadable"]
        arm.last_at_ms = value["last_at_ms"]
        return arm


def add_counts(one: list[int], other: list[int]) -> list[int]:
    """The sums of two lists of counts, of which either may be empty.

    >>> add_counts([1, 2], []), add_counts([1, 2], [3, 4])
    ([1, 2], [4, 6])
    """
    if not one or not other:
        return list(one or other)
    return [a + b for a, b in zip(one, other, strict=True)]


def moments_json(moments: Moments) -> list[float]:
    return [moments.n, moments.mean, moments.m2]
