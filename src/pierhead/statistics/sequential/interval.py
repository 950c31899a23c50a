"""An interval of plausible values."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """All values from `lower` to `upper`, both included; either may be infinite."""

    lower: float
    upper: float

    @classmethod
    def everything(cls) -> "Interval":
        """What is known before there are enough values."""
        return cls(-math.inf, math.inf)

    @property
    def width(self) -> float:
        return self.upper - self.lower

    def contains(self, value: float) -> bool:
        return self.lower <= value <= self.upper
