"""Counts and samples, made comparable."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Samples = Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]
Counts = Mapping[str, int] | Sequence[int] | Sequence[float] | npt.NDArray[np.integer] | npt.NDArray[np.floating]

OTHER = "__other__"
"""The name under which categories beyond those kept are counted together."""


def samples(values: Samples) -> Floats:
    """The values that exist, sorted, as float64; NaN stands for null and is left out."""
    array = np.asarray(values, dtype=np.float64).ravel()
    return np.sort(array[~np.isnan(array)])


def paired_counts(reference: Counts, current: Counts) -> tuple[Floats, Floats]:
    """Two count vectors over the same cells.

    Mappings are matched by key (absent is 0); vectors must have one length. Raises ValueError when a count is negative
    or not finite, when lengths differ, or when a mapping meets a vector.
    """
    if isinstance(reference, Mapping) != isinstance(current, Mapping):
        raise ValueError("counts must be two mappings or two vectors, not one of each")
    if isinstance(reference, Mapping) and isinstance(current, Mapping):
        keys = sorted({*reference, *current})
        pair = ([reference.get(key, 0) for key in keys], [current.get(key, 0) for key in keys])
    else:
        pair = (reference, current)  # type: ignore[assignment]
    first, second = (np.asarray(counts, dtype=np.float64).ravel() for counts in pair)
    if first.shape != second.shape:
        raise ValueError(f"counts of {first.size} and {second.size} cells cannot be compared")
    for counts in (first, second):
        if not np.all(np.isfinite(counts)) or np.any(counts < 0):
            raise ValueError("counts must be finite and not negative")
    return first, second


def occupied(reference: Floats, current: Floats) -> tuple[Floats, Floats]:
    """The cells in which at least one of the two has something."""
    some = (reference + current) > 0
    return reference[some], current[some]


def shares(counts: Floats) -> Floats:
    """Counts divided by their sum, which must not be 0."""
    return np.asarray(counts / counts.sum())


def absence(n_reference: float, n_current: float) -> str | None:
    """Why two samples of these sizes cannot be compared; None if they can."""
    if n_reference == 0:
        return "the reference has no values"
    if n_current == 0:
        return "the current data has no values"
    return None
