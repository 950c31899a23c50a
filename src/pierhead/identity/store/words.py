"""Sets of words in one column."""

from collections.abc import Iterable


def to_column(words: Iterable[str]) -> str:
    """Words without spaces, in order, one space between.

    >>> to_column({"b", "a"})
    'a b'
    """
    return " ".join(sorted(words))


def from_column(text: str | None) -> frozenset[str]:
    """None, where an older release left nothing, is none."""
    return frozenset((text or "").split())
