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


def special_values(column: Column) -> tuple[Any, ...]:
    """Missing, extreme, barely representable and ill-typed values; for strings those beside a known category too."""
    if column.kind != "string":
        return _BY_KIND.get(column.kind, (None,))
    near = tuple(f"{word} " for word in column.vocabulary[:1]) + tuple(word.upper() for word in column.vocabulary[:1])
    return _WORDS + near
