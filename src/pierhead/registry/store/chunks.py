"""Long lists of ids in pieces: databases bound the number of values in one statement."""

from collections.abc import Iterator, Sequence

_SIZE = 500


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """
    >>> [len(some) for some in chunks(["id"] * 501)]
    [500, 1]
    """
    for start in range(0, len(ids), _SIZE):
        yield ids[start : start + _SIZE]
