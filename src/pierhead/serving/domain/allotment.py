"""Which buckets each entity has. When shares change as few buckets as possible change hands."""

from collections.abc import Iterable, Iterator, Mapping

from pierhead.serving.domain.shares import ALL_POINTS

Ranges = tuple[tuple[int, int], ...]
"""Half-open ranges of buckets, sorted, none touching the next."""


def allot(previous: Mapping[str, Ranges], points: Mapping[str, int]) -> dict[str, Ranges]:
    """The buckets of each entity in `points`, as many as it has points there; all 10,000 are given out.

    An entity that grows keeps all that it had in `previous`, one that shrinks keeps the first of them: so no unit
    leaves an entity whose share grows. Raises ValueError if the points do not add up to 10,000.

    >>> allot({"old": ((0, 10_000),)}, {"old": 9510, "new": 490})
    {'old': ((0, 9510),), 'new': ((9510, 10000),)}
    """
    if sum(points.values()) != ALL_POINTS or min(points.values()) < 0:
        raise ValueError(f"shares must be positive and add up to {ALL_POINTS} points: {dict(points)}")
    kept = {name: _first(previous.get(name, ()), count) for name, count in points.items()}
    free = _complement(each for ranges in kept.values() for each in ranges)
    allotted = {}
    for name, count in points.items():
        missing = count - _size(kept[name])
        allotted[name] = _merged([*kept[name], *_first(free, missing)])
        free = _without_first(free, missing)
    return allotted


def in_order(points: Mapping[str, int]) -> dict[str, Ranges]:
    """One range after the other: what a config means that has no ranges of its own."""
    ranges: dict[str, Ranges] = {}
    start = 0
    for name, count in points.items():
        ranges[name] = ((start, start + count),) if count else ()
        start += count
    return ranges


def _size(ranges: Ranges) -> int:
    return sum(end - start for start, end in ranges)


def _first(ranges: Ranges, count: int) -> Ranges:
    """The lowest `count` buckets, or all if there are fewer."""
    return tuple(_taken(ranges, count))


def _taken(ranges: Ranges, count: int) -> Iterator[tuple[int, int]]:
    for start, end in ranges:
        if count <= 0:
            return
        yield start, min(end, start + count)
        count -= end - start


def _without_first(ranges: Ranges, count: int) -> Ranges:
    left = []
    for start, end in ranges:
        begin = min(end, start + max(0, count))
        count -= begin - start
        if begin < end:
            left.append((begin, end))
    return tuple(left)


def _complement(ranges: Iterable[tuple[int, int]]) -> Ranges:
    free = []
    reached = 0
    for start, end in sorted(ranges):
        if reached < start:
            free.append((reached, start))
        reached = end
    return (*free, (reached, ALL_POINTS)) if reached < ALL_POINTS else tuple(free)


def _merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)
