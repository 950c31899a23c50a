"""The part of an answer that two models can be compared by."""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import orjson

from pierhead.monitoring.domain.bodies import Unreadable, predictions_of

Score = float | str | tuple[float, ...]
"""A number, a category, or a vector of numbers (for three and more classes their probabilities)."""

Plain = float | str
"""A score as it is counted: a category, or the number that stands for it."""

MOST_BYTES = 1024 * 1024
MOST_ROWS = 1000
MOST_NUMBERS = 64
MOST_CHARACTERS = 120

_SUM_TOLERANCE = 1e-3
_TELLING_KEYS = ("probability", "score", "prediction", "predictions", "label", "class", "output")


def scores_of(body: bytes | None) -> list[Score] | None:
    """One score for each row of an answer, at most 1000; None if nothing in it can be compared.

    Of two probabilities the second is the score, of more the vector. Text and booleans are categories, as is whatever
    else there may be, as JSON.

    >>> scores_of(b'{"predictions": [0.25, [0.3, 0.7], "spam", [0.1, 0.2, 0.7], {"score": 3}]}')
    [0.25, 0.7, 'spam', (0.1, 0.2, 0.7), 3.0]
    """
    if not body or len(body) > MOST_BYTES:
        return None
    try:
        rows = predictions_of(body)
    except (Unreadable, RecursionError):
        return None
    return [_score(row) for row in rows[:MOST_ROWS]] or None


def row_of(request_id: str, rows: int) -> int:
    """The row that speaks for a request of several: rows of one request are no independent observations.

    >>> row_of("a", 1), row_of("a", 10) == row_of("a", 10)
    (0, True)
    """
    return crc32(request_id.encode()) % rows if rows > 1 else 0


def category_of(score: Score) -> str | None:
    """The class that an answer decides for; None for numbers.

    >>> category_of("spam"), category_of((0.1, 0.2, 0.7)), category_of((5.0, 6.0, 7.0)), category_of(0.5)
    ('spam', 'class 2', None, None)
    """
    match score:
        case str():
            return score
        case tuple() if _are_probabilities(score):
            return f"class {max(range(len(score)), key=score.__getitem__)}"
    return None


def number_of(score: Score) -> float | None:
    """A number that stands for an answer: of a vector the mean; None for classes."""
    match score:
        case float():
            return score
        case tuple() if not _are_probabilities(score):
            return sum(score) / len(score)
    return None


def plain_of(score: Score) -> Plain:
    """What a score is counted as.

    >>> plain_of((0.1, 0.2, 0.7)), plain_of((5.0, 6.0, 7.0))
    ('class 2', 6.0)
    """
    category, number = category_of(score), number_of(score)
    return category if category is not None else number or 0.0


def parts_of(score: Score) -> tuple[float, ...]:
    """The numbers in a score.

    >>> parts_of(0.5), parts_of((1.0, 2.0)), parts_of("spam")
    ((0.5,), (1.0, 2.0), ())
    """
    match score:
        case float():
            return (score,)
        case tuple():
            return score
    return ()


def distance(one: Score, other: Score) -> float:
    """How far apart two answers are: numbers by their difference, vectors by their largest, classes 0 or 1; infinite
    if they are not of one kind."""
    match one, other:
        case float(), float():
            return abs(one - other)
        case str(), str():
            return float(one != other)
        case tuple(), tuple() if len(one) == len(other):
            return max(abs(a - b) for a, b in zip(one, other, strict=True))
    return math.inf


def differ(one: Score, other: Score, tolerance: float) -> bool:
    """Whether two answers disagree: another class, or numbers more than `tolerance` apart.

    Numbers that add up to one by chance are no class beside numbers that do not.
    """
    categories = category_of(one), category_of(other)
    if None not in categories:
        return categories[0] != categories[1]
    return distance(one, other) > tolerance


def _score(value: Any) -> Score:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case str():
            return _short(value)
        case list() if value:
            return _of_list(value)
        case dict() if value:
            return _of_record(value)
    return _short(orjson.dumps(value).decode())


def _number(value: float) -> Score:
    try:
        number = float(value)
    except OverflowError:
        return _short(str(value))
    return number if math.isfinite(number) else str(number)


def _short(text: str) -> str:
    # What is cut off still counts: two long texts with one beginning are two categories.
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[: MOST_CHARACTERS - 12]}... {crc32(text.encode('utf-8', 'replace')):08x}"


def _of_list(values: list[Any]) -> Score:
    if len(values) == 1:
        return _score(values[0])
    if not all(isinstance(each, float | int) and not isinstance(each, bool) and _is_plain(each) for each in values):
        return _short(orjson.dumps(_plain(values), option=orjson.OPT_SORT_KEYS).decode())
    numbers = tuple(map(float, values))
    is_distribution = _are_probabilities(numbers)
    if len(numbers) == 2 and is_distribution:
        return numbers[1]
    if len(numbers) > MOST_NUMBERS and is_distribution:
        return category_of(numbers) or ""
    return numbers[:MOST_NUMBERS]


def _is_plain(value: float) -> bool:
    return -1e300 < value < 1e300


def _plain(value: Any) -> Any:
    """What orjson can write: integers of any size as text."""
    match value:
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {str(key): _plain(each) for key, each in value.items()}
        case int() if not -(2**63) <= value < 2**63:
            return str(value)
    return value


def _of_record(record: Mapping[str, Any]) -> Score:
    if len(record) == 1:
        return _score(next(iter(record.values())))
    for key in _TELLING_KEYS:
        if key in record:
            return _score(record[key])
    return _short(orjson.dumps(_plain(dict(record)), option=orjson.OPT_SORT_KEYS).decode())


def _are_probabilities(numbers: Sequence[float]) -> bool:
    return min(numbers) >= 0 and max(numbers) <= 1 and abs(sum(numbers) - 1) <= _SUM_TOLERANCE
