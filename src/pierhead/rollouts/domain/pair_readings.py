"""What pairs of a request and its shadow have shown."""

from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from pierhead.rollouts.domain.arm_readings import moments_json
from pierhead.rollouts.domain.halves import Half
from pierhead.rollouts.domain.observations import Ending
from pierhead.rollouts.domain.scores import Score, differ, distance, number_of
from pierhead.statistics.sequential.means import Moments

MOST_DIFFERENT = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One request with both answers, shortened. `difference` is None where they are not of one kind."""

    request_id: str
    champion: str
    candidate: str
    difference: float | None


class PairReading:
    """`pairs` are requests whose copy reached the candidate, and `compared` those of them that both answered in a way
    that can be compared. `candidate_failed` counts those that the champion alone answered, `champion_failed` those
    that the candidate alone did. `disagreement` is a sum over pairs of the share of rows that differ. Differences are
    the candidate's less the champion's.
    """

    __slots__ = (
        "candidate_failed",
        "champion_failed",
        "compared",
        "disagreement",
        "latencies_ms",
        "most_different",
        "pairs",
        "scores",
    )

    def __init__(self) -> None:
        self.pairs = 0
        self.candidate_failed = 0
        self.champion_failed = 0
        self.compared = 0
        self.disagreement = 0.0
        self.scores = Moments()
        self.latencies_ms = Moments()
        self.most_different: list[Difference] = []

    def add(self, primary: Half, shadow: Half) -> None:
        self.pairs += 1
        is_answered = primary.ending is Ending.ANSWERED
        if is_answered and shadow.ending is Ending.ANSWERED:
            self.latencies_ms = self.latencies_ms.add(shadow.latency_ms - primary.latency_ms)
        elif is_answered:
            self.candidate_failed += 1
        elif shadow.ending is Ending.ANSWERED:
            self.champion_failed += 1

    def compare(self, primary: Half, shadow: Half, tolerance: float) -> float | None:
        """Counts how far the answers agree; the share of rows that differ, None where there is nothing to compare.

        An answer that cannot be read differs from one that can.
        """
        if not primary.scores or shadow.ending is not Ending.ANSWERED:
            return None
        share = _disagreement(primary, shadow, tolerance)
        self.compared += 1
        self.disagreement += share
        shift = _shift(primary, shadow)
        if shift is not None:
            self.scores = self.scores.add(shift)
        self._remember(primary, shadow)
        return share

    def _remember(self, primary: Half, shadow: Half) -> None:
        difference = _largest(primary, shadow)
        if not difference:
            return
        known = self.most_different
        if len(known) == MOST_DIFFERENT and _rank(known[-1]) >= difference:
            return
        found = None if difference == float("inf") else difference
        known.append(Difference(primary.request_id, primary.excerpt, shadow.excerpt, found))
        known.sort(key=_rank, reverse=True)
        del known[MOST_DIFFERENT:]

    def forget_excerpts(self) -> None:
        """Of the most different requests only their ids and numbers stay."""
        self.most_different = [replace(each, champion="", candidate="") for each in self.most_different]

    def merge(self, other: "PairReading") -> None:
        for name in ("pairs", "candidate_failed", "champion_failed", "compared", "disagreement"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.scores = self.scores.merge(other.scores)
        self.latencies_ms = self.latencies_ms.merge(other.latencies_ms)
        both = sorted(self.most_different + other.most_different, key=_rank, reverse=True)
        self.most_different = both[:MOST_DIFFERENT]

    def to_json(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "candidate_failed": self.candidate_failed,
            "champion_failed": self.champion_failed,
            "compared": self.compared,
            "disagreement": self.disagreement,
            "scores": moments_json(self.scores),
            "latencies_ms": moments_json(self.latencies_ms),
            "most_different": [
                [each.request_id, each.champion, each.candidate, each.difference] for each in self.most_different
            ],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "PairReading":
        reading = cls()
        for name in ("pairs", "candidate_failed", "champion_failed", "compared", "disagreement"):
            setattr(reading, name, value[name])
        reading.scores = Moments(*value["scores"])
        reading.latencies_ms = Moments(*value["latencies_ms"])
        reading.most_different = [Difference(*each) for each in value["most_different"]]
        return reading


def _disagreement(one: Half, other: Half, tolerance: float) -> float:
    if one.rows != other.rows:
        return 1.0
    return fmean(differ(a, b, tolerance) for a, b in _rows(one, other))


def _largest(one: Half, other: Half) -> float:
    if one.rows != other.rows:
        return float("inf")
    return max(distance(a, b) for a, b in _rows(one, other))


def _shift(one: Half, other: Half) -> float | None:
    if one.rows != other.rows:
        return None
    pairs = ((number_of(a), number_of(b)) for a, b in _rows(one, other))
    shifts = [b - a for a, b in pairs if a is not None and b is not None]
    return sum(shifts) / len(shifts) if shifts else None


def _rows(one: Half, other: Half) -> list[tuple[Score, Score]]:
    # Of wide rows one side may have kept fewer.
    return list(zip(one.scores, other.scores, strict=False))


def _rank(difference: Difference) -> float:
    return float("inf") if difference.difference is None else difference.difference
