"""Values that find mistakes, by the kind of column."""

from typing import Any

from pierhead.compile.domain.program import Column

NEVER_SEEN = "‽ never seen ‽"

_FLOATS: tuple[Any, ...] = (
    None, 0, -0.0, 1, 0.1, 5e-324, 1e-310, 1e-30, -1e30, 3.4028235e38, 3.5e38, 1e300, -1e300,
    16777217, 16777217.0, 2147483648, 9007199254740993, -9007199254740993.0, 18446744073709551616,
    float("inf"), float("-inf"), float("nan"), "1.5", "", "abc", True,
)  # fmt: skip

_WHOLE: tuple[Any, ...] = (
    None, 0, -1, 1, 16777217, 2147483647, 2147483648, -2147483649, 9007199254740993, 9223372036854775807,
    9223372036854775808, 1.0, 1.5, 1e300, float("inf"), float("nan"), "7", "", "abc", True,
)  # fmt: skip

_TRUTHS: tuple[Any, ...] = (None, True, False, 0, 1, 1.0, 2, "true", "", "False")

_WORDS: tuple[Any, ...] = (None, "", " ", NEVER_SEEN, "nan", "None", "NaN", "\u0000", "é", "e\u0301", 7, 1.5, True)

_BY_KIND = {"double": _FLOATS, "float": _FLOATS, "long": _WHOLE, "integer": _WHOLE, "boolean": _TRUTHS}

_LARGEST_WHOLE = {"integer": 2**31 - 1, "long": 2**53}


def special_values(column: Column) -> tuple[Any, ...]:
    """Missing, extreme, barely representable and ill-typed values; for strings those beside a known category too."""
    if column.kind != "string":
        return _BY_KIND.get(column.kind, (None,))
    near = tuple(f"{word} " for word in column.vocabulary[:1]) + tuple(word.upper() for word in column.vocabulary[:1])
    return _WORDS + near


def is_mild(column: Column, value: Any) -> bool:
    """Whether hardly a model refuses it: many such values fit into one request.

    >>> [is_mild(Column("a", "double"), value) for value in (5e-324, -0.0, 1e300, None, "1.5", float("nan"))]
    [True, True, False, False, False, False]
    """
    if column.kind == "string":
        return isinstance(value, str)
    if column.kind == "boolean" or isinstance(value, bool):
        return isinstance(value, bool) and column.kind == "boolean"
    if column.kind in _LARGEST_WHOLE:
        return isinstance(value, int) and abs(value) <= _LARGEST_WHOLE[column.kind]
    return isinstance(value, int | float) and abs(value) <= 2**53
