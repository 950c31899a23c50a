"""Requests that wait for their shadow's answer, and shadows' answers that wait for their request's."""

from typing import Any

from pierhead.rollouts.domain.observations import Ending, Observation, Route

MOST_WAITING = 2048
LONGEST_WAIT_MS = 60_000

Pair = tuple[Observation, Observation]


class Halves:
    """Joins both by request id, whichever comes first. What waits too long, or too many, is given up: most requests of
    a sampled shadow have no copy."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, Observation] = {}

    def join(self, half: Observation) -> Pair | None:
        """The primary and its shadow, once both have come."""
        other = self._waiting.get(half.request_id)
        if other is not None and (other.route is Route.SHADOW) != (half.route is Route.SHADOW):
            del self._waiting[half.request_id]
            return (half, other) if other.route is Route.SHADOW else (other, half)
        self._waiting[half.request_id] = half
        self._give_up(half.at_ms - LONGEST_WAIT_MS)
        return None

    def _give_up(self, before_ms: int) -> None:
        waiting = self._waiting
        oldest = next(iter(waiting))
        while len(waiting) > MOST_WAITING or waiting[oldest].at_ms < before_ms:
            del waiting[oldest]
            oldest = next(iter(waiting))

    def __iter__(self) -> Any:
        return iter(self._waiting.values())

    def to_json(self) -> list[Any]:
        return [observation_json(half) for half in self._waiting.values()]

    @classmethod
    def from_json(cls, value: list[Any]) -> "Halves":
        halves = cls()
        for each in value:
            half = observation_of(each)
            halves._waiting[half.request_id] = half
        return halves


def observation_json(observation: Observation) -> list[Any]:
    scores = observation.scores
    return [
        observation.request_id,
        observation.at_ms,
        observation.route.value,
        observation.ending.value,
        observation.latency_ms,
        None if scores is None else [list(score) if isinstance(score, tuple) else score for score in scores],
        dict(observation.slices),
        observation.bucket,
        observation.unit,
        observation.excerpt,
    ]


def observation_of(value: list[Any]) -> Observation:
    request_id, at_ms, route, ending, latency_ms, scores, *rest = value
    found = None if scores is None else tuple(tuple(each) if isinstance(each, list) else each for each in scores)
    return Observation(request_id, at_ms, Route(route), Ending(ending), latency_ms, found, *rest)
