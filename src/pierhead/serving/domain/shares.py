"""Shares of the traffic: hundredths of a percent inside, percent for people and for other systems' clients."""

from collections.abc import Sequence
from math import floor

ALL_POINTS = 10_000
"""All of the traffic, in points: hundredths of a percent. There are as many buckets."""

POINTS_PER_PERCENT = 100


def in_percent(points: int) -> str:
    """For people.

    >>> [in_percent(points) for points in (490, 10_000, 1, 0)]
    ['4.9%', '100%', '0.01%', '0%']
    """
    return f"{points / POINTS_PER_PERCENT:.10g}%"


def whole_percents(points: Sequence[int]) -> list[int]:
    """Whole percents that add up to what the points add up to, rounded: by largest remainder, the first of equals.

    >>> whole_percents([9510, 490]), whole_percents([3333, 3333, 3334]), whole_percents([9950, 50])
    ([95, 5], [33, 33, 34], [100, 0])
    """
    percents = [floor(each / POINTS_PER_PERCENT) for each in points]
    left = round(sum(points) / POINTS_PER_PERCENT) - sum(percents)
    by_remainder = sorted(range(len(points)), key=lambda i: -(points[i] % POINTS_PER_PERCENT))
    for i in by_remainder[:left]:
        percents[i] += 1
    return percents
