"""The proof at the start: the artifact repeats the original's answers on the rows that lie beside it."""

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pierhead.compile.domain.answers import rows_of
from pierhead.compile.runtime.declining import Declined
from pierhead.compile.runtime.scoring import CompiledScorer
from pierhead.worker.proof import NotProved

TOLERANCE = 1e-5
"""Relative: the widest that a certificate allows."""

# Near its zero an output is judged by the size that it usually has.
_USUAL_SHARE = 1e-2


def prove(scorer: CompiledScorer, folder: Path) -> str:
    """Repeat `golden.json`: a list of `{"request": JSON text, "predictions": the original's}`.

    Returns what an operator should know, '' if all is well. Raises NotProved if an answer differs.
    """
    file = folder / "golden.json"
    if not file.is_file():
        return "not proved: the artifact has no golden rows"
    try:
        rows = [(row["request"].encode(), row["predictions"]) for row in json.loads(file.read_bytes())]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotProved(f"golden.json cannot be read: {error}") from error
    outcomes = scorer.score_many([("application/json", request) for request, _ in rows])
    usual = usual_sizes([predictions for _, predictions in rows])
    for at, (outcome, (_, predictions)) in enumerate(zip(outcomes, rows, strict=True)):
        if isinstance(outcome, Declined):
            continue
        if outcome.is_refusal:
            raise NotProved(f"the artifact refuses golden row {at}: {outcome.message}")
        if not is_close(rows_of(json.loads(outcome.body)["predictions"]), predictions, usual):
            raise NotProved(f"the artifact's answer to golden row {at} is not the original's")
    return ""


def usual_sizes(answers: Sequence[Any]) -> list[float]:
    """For each place in an answer, brackets included, the median size of the numbers that stand there.

    >>> usual_sizes([[1.0, "a", -4.0], [3.0, "b", 4.0]])
    [0.0, 2.0, 0.0, 4.0, 0.0]
    """
    places = zip(*(_leaves(answer) for answer in answers), strict=False)
    return [statistics.median(map(_size, place)) for place in places]


def is_close(found: Any, wanted: Any, usual: Sequence[float]) -> bool:
    """Whether two JSON values are the same up to the tolerance in numbers with a fraction.

    >>> is_close([1.0000001, "a"], [1.0, "a"], [])
    True
    >>> is_close([2], [1], []), is_close([1.1], [1.0], []), is_close([True], [1], [])
    (False, False, False)
    >>> is_close([1e-9], [2e-9], []), is_close([1e-9], [2e-9], [0.0, 10.0])
    (False, True)
    >>> is_close([float("nan")], [float("nan")], [])
    True
    """
    mine, theirs = _leaves(found), _leaves(wanted)
    sizes = [*usual[: len(mine)], *[0.0] * (len(mine) - len(usual))]
    return len(mine) == len(theirs) and all(map(_is_same, mine, theirs, sizes))


def _is_same(found: Any, wanted: Any, usual: float) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        if math.isnan(found) or math.isnan(wanted):
            return math.isnan(found) and math.isnan(wanted)
        return math.isclose(found, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE * _USUAL_SHARE * usual)
    return type(found) is type(wanted) and bool(found == wanted)


def _leaves(value: Any) -> list[Any]:
    """What stands in a JSON value from left to right, brackets and keys included: two shapes have no leaves alike."""
    if isinstance(value, list):
        return ["[", *[leaf for entry in value for leaf in _leaves(entry)], "]"]
    if isinstance(value, dict):
        return ["{", *[leaf for key in sorted(value) for leaf in (key, *_leaves(value[key]))], "}"]
    return [value]


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, float) and math.isfinite(value) else 0.0
