"""How a number was made, kept beside the number."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """Everything that two people must agree on before they compare two values of a statistic.

    `bins` says how values were put into cells, `inner_edges` are the cell borders without the infinite ends, `base` is
    of the logarithm, `epsilon` replaces an empty cell's share, `variant` names the form of the test, `null` says what
    the bound under no drift rests on, `source` is "exact" or names the sketch.
    """

    statistic: str
    variant: str
    bins: str = "none"
    base: float | None = None
    epsilon: float | None = None
    null: str | None = None
    source: str = "exact"
    inner_edges: tuple[float, ...] | None = None

    def with_edges(self, inner_edges: Sequence[float] | npt.NDArray[np.float64]) -> "MethodSpec":
        return replace(self, inner_edges=tuple(float(edge) for edge in inner_edges))

    def as_json(self) -> dict[str, Any]:
        """A dict of plain JSON values; fields that say nothing are left out."""
        spec = {name: value for name, value in asdict(self).items() if value is not None}
        if self.inner_edges is not None:
            spec["inner_edges"] = list(self.inner_edges)
        return spec


@dataclass(frozen=True, slots=True)
class Measured:
    """A statistic's value, or why there is none.

    `value` is None exactly when `reason` is given; it is never NaN. `error_bound` is the half width within which the
    exact value lies (0 when `value` is exact). `n_reference` and `n_current` count the values that took part.
    """

    value: float | None
    method: MethodSpec
    n_reference: int
    n_current: int
    p_value: float | None = None
    error_bound: float = 0.0
    reason: str | None = None


def unmeasured(method: MethodSpec, reason: str, n_reference: int, n_current: int) -> Measured:
    """No value, and why."""
    return Measured(None, method, n_reference, n_current, reason=reason)
