"""Answers of both sides compared, row by row: written anew, so that a mistake in the gate's comparison shows here."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.parity.sides import Said

TOLERANCE = 1e-5
_TIE = 1e-9
_SMALL = 1e-3
"""Numbers that are tiny beside the usual size of their column are judged by a thousandth of that."""

_EXAMPLES = 3
_LONGEST_EXAMPLE = 3000

Asked = tuple[tuple[str, bytes], int]
"""A request, as (content type, body), and how many rows it holds."""

IsTie = Callable[[bytes, int], bool]
"""Whether the original leaves the label of one row of a request open."""


@dataclass(slots=True)
class Tally:
    """What became of rows. `wrong` were answered otherwise than by the original, `ties` have no one right answer."""

    right: int = 0
    wrong: int = 0
    ties: int = 0
    declined: int = 0
    refused: int = 0
    worst: float = 0.0
    examples: list[dict[str, str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        return self.right + self.wrong + self.ties + self.declined + self.refused

    def blame(self, rows: int, body: bytes, original: object, served: object) -> None:
        self.wrong += rows
        if len(self.examples) < _EXAMPLES:
            request = body[:_LONGEST_EXAMPLE].decode("utf-8", "replace")
            self.examples.append({"request": request, "original": repr(original)[:500], "served": repr(served)[:500]})


class Comparison:
    """Counts over any number of calls of `add`."""

    def __init__(self, is_tie: IsTie) -> None:
        self._is_tie = is_tie
        self.tally = Tally()

    def add(self, asked: Sequence[Asked], original: Sequence[Said], served: Sequence[Said]) -> None:
        """What is usual in a column is told by the rows of this call."""
        answered = [predictions(said) if said.status == 200 else None for said in original]
        usual = _usual([row for rows in answered if rows is not None for row in rows])
        for (request, count), theirs, said in zip(asked, answered, served, strict=True):
            if said.is_declined:
                self.tally.declined += count
                self.tally.reasons[said.body.decode()] += count
            elif theirs is None and said.status != 200:
                self.tally.refused += count
            else:
                self._judge(request[1], count, theirs, said, usual)

    def _judge(
        self, body: bytes, count: int, original: list[Any] | None, said: Said, usual: NDArray[np.float64]
    ) -> None:
        served = predictions(said) if said.status == 200 else None
        if original is None or served is None or len(original) != len(served):
            self.tally.worst = 2.0
            self.tally.blame(count, body, original, said)
            return
        apart, flips = _differences(original, served, usual)
        suspects = np.flatnonzero((apart > TOLERANCE) | flips).tolist()
        ties = [at for at in suspects if _is_label(original[at], served[at]) and self._is_tie(body, at)]
        self.tally.ties += len(ties)
        self.tally.right += len(original) - len(suspects)
        apart[ties] = 0.0
        self.tally.worst = max(self.tally.worst, float(apart.max(initial=0.0)))
        for at in suspects:
            if at not in ties:
                self.tally.blame(1, body, (at, original[at]), served[at])


def predictions(said: Said) -> list[Any]:
    """One entry a row."""
    rows = json.loads(said.body)["predictions"]
    return rows if isinstance(rows, list) else [rows]


def _differences(
    original: list[Any], served: list[Any], usual: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """By row: how far apart (1 for anything but floats), and whether another score is the highest."""
    a, b = _matrix(original), _matrix(served)
    if a is None or b is None or a.shape != b.shape:
        same = [json.dumps(ours) == json.dumps(theirs) for ours, theirs in zip(original, served, strict=True)]
        return 1.0 - np.array(same, dtype=np.float64), np.zeros(len(original), dtype=np.bool_)
    return _apart(a, b, usual), _flips(a, b)


def _matrix(rows: Sequence[Any]) -> NDArray[np.float64] | None:
    """Floats `[rows, width]`; None if a value is of another type."""
    flat = [list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else [row] for row in rows]
    if len({len(row) for row in flat}) != 1 or {type(value) for row in flat for value in row} != {float}:
        return None
    return np.array(flat, dtype=np.float64)


def _usual(rows: Sequence[Any]) -> NDArray[np.float64]:
    matrix = _matrix(rows) if rows else None
    if matrix is None:
        return np.zeros(1)
    return np.asarray(_SMALL * np.median(np.where(np.isfinite(matrix), np.abs(matrix), 0.0), axis=0))


def _apart(a: NDArray[np.float64], b: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row the largest relative difference, at most 2; what is no finite number must be the same."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(a), np.abs(b)), usual)
        relative = np.abs(a / size - b / size)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    finite = np.isfinite(a) & np.isfinite(b)
    return np.asarray(np.where(same, 0.0, np.where(finite, relative, 2.0)).max(axis=1))


def _flips(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Rows in which another score is the highest, by more than a tie."""
    if a.shape[1] < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.zeros(len(a), dtype=np.bool_)
    rows = np.arange(len(a))
    ours, theirs = a.argmax(axis=1), b.argmax(axis=1)
    return np.asarray((ours != theirs) & (a[rows, ours] - a[rows, theirs] > _TIE))


def _is_label(a: Any, b: Any) -> bool:
    """Words, whole numbers, truth; and classes that are written as floats."""
    return not isinstance(a, float | list | dict) or (isinstance(a, float) and a.is_integer() and float(b).is_integer())
