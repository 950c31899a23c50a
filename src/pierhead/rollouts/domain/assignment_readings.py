"""Whom requests were meant for, counted by units: requests of one unit all go one way, and are one draw."""

from base64 import b85decode, b85encode
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pierhead.rollouts.domain.specs import ALL_POINTS

MOST_UNITS = 2048

_HASHES = 2**64 // ALL_POINTS


@dataclass(slots=True)
class AssignmentReading:
    """Units meant for the champion and the candidate, and requests of the candidate's that the champion answered.

    Of units that come again a sample is remembered, those with the lowest hashes: a unit is counted when it is first
    seen, if its hash is below `limit` then. As the sample fills up the limit falls. Whom a unit belongs to follows from
    the hash modulo 10,000, the sample from the rest of it: they do not depend on each other, so that the counts are
    independent draws whatever the limit.
    """

    champion: int = 0
    candidate: int = 0
    diverted: int = 0
    limit: int = _HASHES
    seen: set[int] = field(default_factory=set)

    def add(self, is_candidates: bool, went_to_candidate: bool, unit: int | None) -> None:
        self.diverted += is_candidates and not went_to_candidate
        if unit is not None and not self._is_new(unit // ALL_POINTS):
            return
        if is_candidates:
            self.candidate += 1
        else:
            self.champion += 1

    def _is_new(self, unit: int) -> bool:
        if unit >= self.limit or unit in self.seen:
            return False
        self.seen.add(unit)
        if len(self.seen) > MOST_UNITS:
            self.limit = sorted(self.seen)[MOST_UNITS // 2]
            self.seen = {each for each in self.seen if each < self.limit}
        return True

    def merge(self, other: "AssignmentReading") -> None:
        """Exact where units are requests; else a unit that both have seen counts twice."""
        self.champion += other.champion
        self.candidate += other.candidate
        self.diverted += other.diverted
        self.limit = min(self.limit, other.limit)
        self.seen = {each for each in self.seen | other.seen if each < self.limit}

    def to_json(self) -> list[Any]:
        seen = b85encode(np.array(sorted(self.seen), "<u8").tobytes()).decode()
        return [self.champion, self.candidate, self.diverted, self.limit, seen]

    @classmethod
    def from_json(cls, value: list[Any]) -> "AssignmentReading":
        champion, candidate, diverted, limit, seen = value
        return cls(champion, candidate, diverted, limit, set(np.frombuffer(b85decode(seen), "<u8").tolist()))
