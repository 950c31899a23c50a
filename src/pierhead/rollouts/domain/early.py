"""Answers and pairs that came before there was a scale to count them in."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pierhead.rollouts.domain.halves import Pair, half_from, half_json
from pierhead.rollouts.domain.scores import Plain, Score, parts_of, plain_of
from pierhead.rollouts.domain.slice_readings import CANDIDATE, CHAMPION


class Answer(NamedTuple):
    """One answer of an arm, by the row that speaks for its request."""

    arm: int
    score: Plain
    slices: Mapping[str, str]


class Early:
    """Keeps them until `sample` answers of the champion fix the scale: of the candidate twice as many, of pairs as
    many. `low` and `high` are the ends of what the champion's numbers span, None without any."""

    __slots__ = ("answers", "high", "low", "pairs")

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.pairs: list[Pair] = []
        self.low: float | None = None
        self.high: float | None = None

    @property
    def span(self) -> float:
        return 0.0 if self.low is None or self.high is None else self.high - self.low

    def count(self, arm: int) -> int:
        return sum(each.arm == arm for each in self.answers)

    def add(self, arm: int, score: Score, slices: Mapping[str, str]) -> None:
        self.answers.append(Answer(arm, plain_of(score), slices))
        if arm == CHAMPION:
            self._stretch(parts_of(score))

    def _stretch(self, numbers: tuple[float, ...]) -> None:
        for number in numbers:
            self.low = number if self.low is None else min(self.low, number)
            self.high = number if self.high is None else max(self.high, number)

    def has_room(self, arm: int, unreadable: int, sample: int) -> bool:
        """Whether one more answer counts. What cannot be read takes room too: else it alone would go on counting."""
        return arm != CANDIDATE or self.count(CANDIDATE) + unreadable < 2 * sample

    def merge(self, other: "Early") -> None:
        self.answers = self.answers + other.answers
        self.pairs = self.pairs + other.pairs
        self._stretch(tuple(each for each in (other.low, other.high) if each is not None))

    def clear(self) -> None:
        self.answers, self.pairs, self.low, self.high = [], [], None, None

    def to_json(self) -> list[Any]:
        answers = [[arm, score, dict(slices)] for arm, score, slices in self.answers]
        pairs = [[half_json(primary), half_json(shadow)] for primary, shadow in self.pairs]
        return [answers, pairs, self.low, self.high]

    @classmethod
    def from_json(cls, value: list[Any]) -> "Early":
        early = cls()
        answers, pairs, early.low, early.high = value
        early.answers = [Answer(*each) for each in answers]
        early.pairs = [(half_from(primary), half_from(shadow)) for primary, shadow in pairs]
        return early
