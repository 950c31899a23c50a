"""Answers of original and compiled side by side: how far apart, whose decisions flip, what is to be made of it.

The difference of two numbers a (original) and b is |a - b| / max(|a|, |b|, s), where s is a thousandth of the median
|a| of that output over all rows: near its zero an output is judged by the size it usually has. It is at most 2. NaN
equals NaN. Numbers of different JSON types (1 and 1.0), different labels and different shapes count as 1.

Where a row is a list of shares of a whole (two or more numbers in [0, 1] with the sum 1, as of `predict_proba`), s is
at least the largest of them: libraries compute 1 - p, which near 0 has the error of p. Of a share of 0.001 beside one
of 0.999, 1e-5 of the latter may so be 1 % of the former; the order of the shares is judged as ever. A probability that
stands alone is judged like any number: no library takes it from 1.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pierhead.compile.domain.answers import rows_of
from pierhead.compile.domain.certificate import Differences, Verdict
from pierhead.compile.parity.cases import Case

EXACT = 1e-9
EQUIVALENT = 1e-5
TIE = 1e-9
"""Scores of the original closer than this leave the decision to chance."""

_USUAL_SHARE = 1e-3
_SUM_OF_SHARES = 1e-5
"""How far from 1 the sum of shares may lie that were rounded to single precision."""

_UNLIKE = 1.0


@dataclass(frozen=True, slots=True)
class Given:
    """One side's answer. `declined`: left to the original, for the reason in `body`."""

    status: int
    body: bytes
    declined: bool = False

    @property
    def is_answer(self) -> bool:
        return self.status == 200 and not self.declined

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Pair:
    case: Case
    original: Given
    compiled: Given


@dataclass(frozen=True, slots=True)
class RowResult:
    """One compared row. `flip`: its decision differs, unless that turns out to be a tie."""

    pair: Pair
    at: int
    difference: float
    flip: bool = False
    tie: bool = False
    labels: tuple[Any, Any] | None = None
    """Original's and compiled's label where these differ."""

    @property
    def size(self) -> float:
        """The difference that counts: none where the original itself leaves the decision to chance."""
        return 0.0 if self.tie else self.difference

    @property
    def is_wrong(self) -> bool:
        return not self.tie and (self.flip or self.difference > EQUIVALENT)


@dataclass(slots=True)
class Comparison:
    rows: list[RowResult] = field(default_factory=list)
    cases: int = 0
    declined: dict[str, int] = field(default_factory=dict)
    """Rows that the compiled side declined and the original answered, by kind."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Why it declined them."""
    refused: int = 0
    """Requests that neither side answered."""


def compare(pairs: Sequence[Pair]) -> Comparison:
    """Compare all that both sides answered; an answer where the original refuses is a wrong row."""
    parsed = [(pair, _predictions(pair.original), _predictions(pair.compiled)) for pair in pairs]
    scales = _scales(rows for pair, rows, _ in parsed if pair.original.is_answer)
    found = Comparison(cases=len(pairs))
    for pair, original, compiled in parsed:
        if not pair.original.is_answer:
            _take_refusal(found, pair)
        elif pair.compiled.declined:
            found.declined[pair.case.kind] = found.declined.get(pair.case.kind, 0) + max(len(original), 1)
            found.reasons[pair.compiled.text] = found.reasons.get(pair.compiled.text, 0) + 1
        elif not pair.compiled.is_answer or len(original) != len(compiled):
            found.rows.append(RowResult(pair, 0, _UNLIKE))
        else:
            found.rows += [
                _compare_row(pair, at, *row, scales) for at, row in enumerate(zip(original, compiled, strict=True))
            ]
    return found


def _take_refusal(found: Comparison, pair: Pair) -> None:
    if pair.compiled.is_answer:
        found.rows.append(RowResult(pair, 0, _UNLIKE))
    else:
        found.refused += 1


def predictions_of(given: Given) -> list[Any]:
    """The rows of an answer; one row that holds everything if it is no list under `predictions`."""
    return _predictions(given)


def _predictions(given: Given) -> list[Any]:
    if not given.is_answer:
        return []
    try:
        fields = json.loads(given.body)
    except ValueError:
        return [given.text]
    rows = rows_of(fields["predictions"]) if isinstance(fields, dict) and set(fields) == {"predictions"} else None
    return [fields] if rows is None else rows


Path = tuple[Any, ...]
Scales = Mapping[Path, float]


def _leaves(value: Any, path: Path = ()) -> Iterable[tuple[Path, Any]]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _leaves(item, (*path, at))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def _scales(answers: Iterable[Sequence[Any]]) -> Scales:
    sizes: dict[Path, list[float]] = {}
    for rows in answers:
        for row in rows:
            for path, leaf in _leaves(row):
                if isinstance(leaf, float) and math.isfinite(leaf):
                    sizes.setdefault(path, []).append(abs(leaf))
    return {path: _USUAL_SHARE * statistics.median(found) for path, found in sizes.items()}


def _compare_row(pair: Pair, at: int, original: Any, compiled: Any, scales: Scales) -> RowResult:
    ours, theirs = dict(_leaves(original)), dict(_leaves(compiled))
    if list(ours) != list(theirs):
        return RowResult(pair, at, _UNLIKE)
    difference, labels, whole = 0.0, None, _largest_share(original)
    for path, a in ours.items():
        here = difference_of(a, theirs[path], max(scales.get(path, 0.0), whole))
        difference = max(difference, here)
        if here == _UNLIKE and type(a) is type(theirs[path]) and not isinstance(a, float):
            labels = (a, theirs[path])
    if labels is not None:
        return RowResult(pair, at, difference, flip=True, labels=labels)
    side = _float_label(ours, theirs, difference)
    if side is not None:
        return RowResult(pair, at, difference, flip=True, labels=side)
    decided, other = _decision(original), _decision(compiled)
    if decided is None or other is None or decided == other:
        return RowResult(pair, at, difference)
    return RowResult(pair, at, difference, flip=True, tie=_is_tie(original, decided, other))


def _float_label(ours: Mapping[Path, Any], theirs: Mapping[Path, Any], difference: float) -> tuple[Any, Any] | None:
    """Two labels that are written as floats (classes 0.0, 1.0): whole numbers that differ by far."""
    if len(ours) != 1 or difference <= EQUIVALENT:
        return None
    (a,), (b,) = ours.values(), theirs.values()
    whole = isinstance(a, float) and isinstance(b, float) and a.is_integer() and b.is_integer()
    return (a, b) if whole else None


def _largest_share(row: Any) -> float:
    """Of a row of shares of a whole; 0 of any other.

    >>> _largest_share([0.25, 0.75]), _largest_share([0.25, 0.5]), _largest_share([1.0]), _largest_share([2.0, -1.0])
    (0.75, 0.0, 0.0, 0.0)
    """
    if not isinstance(row, list) or len(row) < 2:
        return 0.0
    if not all(isinstance(item, float) and 0.0 <= item <= 1.0 for item in row):
        return 0.0
    return max(row) if abs(math.fsum(row) - 1.0) <= _SUM_OF_SHARES else 0.0


def difference_of(a: Any, b: Any, scale: float) -> float:
    """See the module. `scale` is s.

    >>> round(difference_of(2.0, 2.5, 0.0), 3)
    0.2
    >>> difference_of("cat", "dog", 0.0), difference_of(1, 1.0, 0.0), difference_of(float("nan"), float("nan"), 0.0)
    (1.0, 1.0, 0.0)
    """
    if type(a) is not type(b):
        return _UNLIKE
    if not isinstance(a, float):
        return 0.0 if a == b else _UNLIKE
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return 2.0
    size: float = max(abs(a), abs(b), scale)
    return abs(float(a) / size - float(b) / size)


def _decision(row: Any) -> int | None:
    """Which of several scores is the highest; for a single probability the side of one half. None if there is none."""
    if isinstance(row, float):
        return int(row > 0.5) if 0.0 <= row <= 1.0 else None
    if not isinstance(row, list) or len(row) < 2 or not all(isinstance(item, float) for item in row):
        return None
    return None if any(math.isnan(item) for item in row) else row.index(max(row))


def _is_tie(original: Any, decided: int, other: int) -> bool:
    if isinstance(original, float):
        return abs(original - 0.5) <= TIE
    # Scores, unlike shares, may be of any size.
    return bool(abs(original[decided] - original[other]) <= TIE * max(1.0, abs(original[decided])))


def is_label_tie(scores: Mapping[str, Any], labels: tuple[Any, Any]) -> bool:
    """Whether the original's own `scores` (`{"labels", "scores"}`, may be empty) leave it open which label it is."""
    by_label = dict(zip(map(_key, scores.get("labels", ())), scores.get("scores", ()), strict=True))
    ours, theirs = by_label.get(_key(labels[0])), by_label.get(_key(labels[1]))
    return ours is not None and theirs is not None and abs(ours - theirs) <= TIE


def _key(label: Any) -> str:
    return json.dumps(label)


def differences(rows: Sequence[RowResult], cases: int) -> Differences:
    """Ties count as no difference: the scores agree, and either label is right."""
    sizes = sorted(row.size for row in rows)
    return Differences(
        rows=len(rows),
        cases=cases,
        worst=sizes[-1] if sizes else 0.0,
        p99=sizes[min(int(len(sizes) * 0.99), len(sizes) - 1)] if sizes else 0.0,
        flips=sum(row.flip and not row.tie for row in rows),
        ties=sum(row.tie for row in rows),
        mismatches=sum(row.is_wrong for row in rows),
    )


def verdict_of(found: Differences) -> Verdict:
    if found.mismatches:
        return Verdict.REFUSED
    return Verdict.EXACT if found.worst <= EXACT else Verdict.EQUIVALENT
