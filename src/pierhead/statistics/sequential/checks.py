"""Refusals of numbers that are no counts and no levels."""

import math

import numpy as np
from numpy.typing import NDArray


def check_alpha(alpha: float) -> None:
    """Raise ValueError if `alpha` is not an error level between 0 and 1."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}, must be between 0 and 1")


def check_positive(name: str, value: float) -> None:
    """Raise ValueError if `value` is not a finite number above 0."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name} is {value}, must be above 0")


def check_share(count: float, total: float) -> None:
    """Raise ValueError unless `0 <= count <= total`, both finite."""
    if not 0.0 <= count <= total < math.inf:
        raise ValueError(f"{count} of {total} is no share: must be 0 <= count <= total")


def check_whole(*counts: float) -> None:
    """Raise ValueError if a count has a fraction."""
    for count in counts:
        if count != int(count):
            raise ValueError(f"count {count} must be a whole number")


def checked_histogram(counts: NDArray[np.integer], bins: int | None = None) -> NDArray[np.integer]:
    """Give `counts` back; raise ValueError if they are not at least one bin of integers, none below 0.

    With `bins` given, there must be as many.
    """
    if counts.ndim != 1 or counts.size == 0 or not np.issubdtype(counts.dtype, np.integer):
        raise ValueError(f"a histogram is a row of integers, not {counts.dtype} of shape {counts.shape}")
    if bins is not None and counts.size != bins:
        raise ValueError(f"histogram has {counts.size} bins, must have {bins}")
    if counts.min() < 0:
        raise ValueError(f"histogram has a count of {counts.min()}, must not be below 0")
    return counts
