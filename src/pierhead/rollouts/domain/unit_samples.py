"""Which units were seen, in bounded memory: a sample of them that depends on nothing but their hashes."""

from base64 import b85decode, b85encode
from typing import Any

import numpy as np

MOST_UNITS = 8192
_BITS = 64


class UnitSample:
    """Remembers units whose hash begins with `shift` zero bits, with the arm that each was first seen in.

    When there are too many, `shift` rises by one and half of them are forgotten. Whether a unit is in the sample has
    nothing to do with its arm or its answers, so that what is counted of sampled units alone is fair.
    """

    __slots__ = ("_arms", "shift")

    def __init__(self) -> None:
        self.shift = 0
        self._arms: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._arms)

    def first_seen(self, unit: int, arm: int) -> int | None:
        """The arm in which a sampled unit was seen first: `arm` now if it is new. None if it is not in the sample.

        >>> sample = UnitSample()
        >>> sample.first_seen(5, 0), sample.first_seen(5, 1), len(sample)
        (0, 0, 1)
        """
        if unit >> (_BITS - self.shift) if self.shift else 0:
            return None
        known = self._arms.get(unit)
        if known is not None:
            return known
        self._arms[unit] = arm
        while len(self._arms) > MOST_UNITS:
            self.shift += 1
            self._arms = {each: of for each, of in self._arms.items() if not each >> (_BITS - self.shift)}
        return arm if unit in self._arms else None

    def knows(self, unit: int) -> bool:
        return unit in self._arms

    def to_json(self) -> list[Any]:
        by_arm: dict[int, list[int]] = {}
        for unit, arm in sorted(self._arms.items()):
            by_arm.setdefault(arm, []).append(unit)
        packed = ((arm, np.array(units, "<u8").tobytes()) for arm, units in sorted(by_arm.items()))
        return [self.shift, [[arm, b85encode(units).decode()] for arm, units in packed]]

    @classmethod
    def from_json(cls, value: list[Any]) -> "UnitSample":
        sample = cls()
        sample.shift = value[0]
        for arm, units in value[1]:
            sample._arms |= dict.fromkeys(np.frombuffer(b85decode(units), "<u8").tolist(), arm)
        return sample
