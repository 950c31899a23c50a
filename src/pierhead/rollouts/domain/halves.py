"""Requests that wait for their shadow's answer, and shadows' answers that wait for their request's."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pierhead.rollouts.domain.observations import Ending, Observation, Route
from pierhead.rollouts.domain.scores import Score, row_of

MOST_WAITING = 512
LONGEST_WAIT_MS = 60_000
MOST_ROWS = 20
"""Of an answer that waits: more of the same request tell little more."""

_MOST_NUMBERS = 64


class Half(NamedTuple):
    """What of an answer is compared with the other's.

    `rows` is how many the answer had, 0 if it cannot be read; `scores` are those of at most 20 of them, first that of
    the row that speaks for the request.
    """

    request_id: str
    at_ms: int
    is_shadow: bool
    ending: Ending
    latency_ms: float
    rows: int
    scores: tuple[Score, ...]
    slices: Mapping[str, str]
    excerpt: str


Pair = tuple[Half, Half]


def half_of(observation: Observation, slices: Mapping[str, str]) -> Half:
    """The half with only these `slices`; both halves of a pair keep the same rows."""
    scores = observation.scores or ()
    return Half(
        observation.request_id,
        observation.at_ms,
        observation.route is Route.SHADOW,
        observation.ending,
        observation.latency_ms,
        len(scores),
        _some(observation.request_id, scores),
        slices,
        observation.excerpt,
    )


class Halves:
    """Joins both by request id, whichever comes first. What waits too long, or too many, is given up."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, Half] = {}

    def join(self, half: Half) -> Pair | None:
        """The primary and its shadow, once both have come."""
        other = self._waiting.get(half.request_id)
        if other is not None and other.is_shadow != half.is_shadow:
            del self._waiting[half.request_id]
            return (half, other) if other.is_shadow else (other, half)
        self._waiting[half.request_id] = half
        self._give_up(half.at_ms - LONGEST_WAIT_MS)
        return None

    def forget(self, request_id: str) -> None:
        """The other half will not come."""
        self._waiting.pop(request_id, None)

    def clear(self) -> None:
        self._waiting.clear()

    def _give_up(self, before_ms: int) -> None:
        waiting = self._waiting
        oldest = next(iter(waiting))
        while len(waiting) > MOST_WAITING or waiting[oldest].at_ms < before_ms:
            del waiting[oldest]
            oldest = next(iter(waiting))

    def __iter__(self) -> Iterator[Half]:
        return iter(self._waiting.values())

    def to_json(self) -> list[Any]:
        return [half_json(half) for half in self._waiting.values()]

    @classmethod
    def from_json(cls, value: list[Any]) -> "Halves":
        halves = cls()
        for each in value:
            half = half_from(each)
            halves._waiting[half.request_id] = half
        return halves


def half_json(half: Half) -> list[Any]:
    return [
        *half[:3],
        half.ending.value,
        half.latency_ms,
        half.rows,
        [list(score) if isinstance(score, tuple) else score for score in half.scores],
        dict(half.slices),
        half.excerpt,
    ]


def half_from(value: list[Any]) -> Half:
    request_id, at_ms, is_shadow, ending, latency_ms, rows, scores, *rest = value
    found = tuple(tuple(each) if isinstance(each, list) else each for each in scores)
    return Half(request_id, at_ms, is_shadow, Ending(ending), latency_ms, rows, found, *rest)


def _some(request_id: str, scores: tuple[Score, ...]) -> tuple[Score, ...]:
    if len(scores) <= 1:
        return scores
    begin = row_of(request_id, len(scores))
    widest = max(len(score) if isinstance(score, tuple) else 1 for score in scores)
    most = max(1, min(MOST_ROWS, _MOST_NUMBERS // max(1, widest)))
    return (*scores[begin:], *scores[:begin])[:most]
