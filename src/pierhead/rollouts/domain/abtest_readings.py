"""What an A/B test has seen: one observation a unit, so that who calls often does not pass for many."""

from typing import Any

from pierhead.rollouts.domain.arm_readings import moments_json
from pierhead.rollouts.domain.latencies import Latencies
from pierhead.rollouts.domain.observations import Ending, Observation
from pierhead.rollouts.domain.scores import number_of
from pierhead.rollouts.domain.unit_samples import UnitSample
from pierhead.statistics.sequential.means import Moments

MOST_VALUES = 20
"""Values of a column that are slices; a column with more is none."""


class ArmCounts:
    """`units` were seen first in this arm; of their first requests the failures (5xx, time-outs), scores and latencies.

    Calls that the caller spoiled (4xx) are of no arm's making and count as units alone.
    """

    __slots__ = ("failures", "judged", "latencies", "latency_ms", "score", "units")

    def __init__(self) -> None:
        self.units = 0
        self.judged = 0
        self.failures = 0
        self.score = Moments()
        self.latency_ms = Moments()
        self.latencies = Latencies()

    def add(self, observation: Observation) -> None:
        self.units += 1
        if observation.ending is Ending.CALLER_ERROR:
            return
        self.judged += 1
        self.failures += observation.ending.is_failure
        if observation.ending is not Ending.ANSWERED:
            return
        self.latency_ms = self.latency_ms.add(observation.latency_ms)
        self.latencies.add(observation.latency_ms)
        number = number_of(observation.scores[0]) if observation.scores else None
        if number is not None:
            self.score = self.score.add(number)

    def to_json(self) -> list[Any]:
        moments = [moments_json(self.score), moments_json(self.latency_ms)]
        return [self.units, self.judged, self.failures, *moments, self.latencies.to_json()]

    @classmethod
    def from_json(cls, value: list[Any]) -> "ArmCounts":
        counts = cls()
        counts.units, counts.judged, counts.failures = value[:3]
        counts.score, counts.latency_ms = Moments(*value[3]), Moments(*value[4])
        counts.latencies = Latencies.from_json(value[5])
        return counts


class ABReading:
    """Counts by arm, and by arm within each slice. `strays` were seen in another arm than before: there are none while
    the split stays as it is. `requests` counts all that was seen of the arms."""

    __slots__ = ("arms", "requests", "sample", "slices", "strays")

    def __init__(self, arms: int) -> None:
        self.arms = [ArmCounts() for _ in range(arms)]
        self.slices: dict[str, dict[str, list[ArmCounts]]] = {}
        self.sample = UnitSample()
        self.requests = 0
        self.strays = 0

    @property
    def units(self) -> int:
        """How many units there were; of many, estimated from a sample."""
        seen = sum(arm.units for arm in self.arms)
        return max(seen, len(self.sample) << self.sample.shift)

    def fold(self, arm: int, observation: Observation, columns: tuple[str, ...]) -> None:
        """Count an answer of the arm if it is its unit's first."""
        self.requests += 1
        unit = observation.unit
        if unit is not None:
            is_known = self.sample.knows(unit)
            first = self.sample.first_seen(unit, arm)
            self.strays += first is not None and first != arm
            if is_known or first is None:
                return
        self.arms[arm].add(observation)
        for column in columns:
            value = observation.slices.get(column)
            if value is not None:
                self._slice(column, value)[arm].add(observation)

    def _slice(self, column: str, value: str) -> list[ArmCounts]:
        values = self.slices.setdefault(column, {})
        if value not in values:
            if len(values) >= MOST_VALUES:
                value = OTHERS
            values.setdefault(value, [ArmCounts() for _ in self.arms])
        return values[value]

    def to_json(self) -> dict[str, Any]:
        return {
            "arms": [arm.to_json() for arm in self.arms],
            "slices": {
                column: {value: [arm.to_json() for arm in arms] for value, arms in values.items()}
                for column, values in self.slices.items()
            },
            "sample": self.sample.to_json(),
            "requests": self.requests,
            "strays": self.strays,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "ABReading":
        reading = cls(0)
        reading.arms = [ArmCounts.from_json(arm) for arm in value["arms"]]
        reading.slices = {
            column: {each: [ArmCounts.from_json(arm) for arm in arms] for each, arms in values.items()}
            for column, values in value["slices"].items()
        }
        reading.sample = UnitSample.from_json(value["sample"])
        reading.requests, reading.strays = value["requests"], value["strays"]
        return reading


OTHERS = "(others)"
"""The slice of all values beyond the first twenty of a column."""
