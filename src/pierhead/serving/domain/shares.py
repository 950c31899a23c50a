"""Shares of the traffic: hundredths of a percent inside, percent for people and for other systems' clients."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor

ALL_POINTS = 10_000
"""All of the traffic, in points: hundredths of a percent. There are as many buckets."""

CANARY_POINTS = 500
"""As much as a version may have that was never tried: 5 %."""

POINTS_PER_PERCENT = 100


def in_percent(points: int) -> str:
    """For people.

    >>> [in_percent(points) for points in (490, 10_000, 1, 0)]
    ['4.9%', '100%', '0.01%', '0%']
    """
    return f"{points / POINTS_PER_PERCENT:.10g}%"


def scaled(points: Sequence[int]) -> list[int]:
    """The same shares of all of the traffic: they add up to 10,000 points. Not all of `points` may be 0.

    >>> scaled([9600]), scaled([7000, 2600])
    ([10000], [7292, 2708])
    """
    return _rounded([Fraction(each * ALL_POINTS, sum(points)) for each in points])


def whole_percents(points: Sequence[int]) -> list[int]:
    """Whole percents that add up to what the points add up to, rounded: by largest remainder, the first of equals.

    >>> whole_percents([9510, 490]), whole_percents([3333, 3333, 3334]), whole_percents([9950, 50])
    ([95, 5], [33, 33, 34], [100, 0])
    """
    return _rounded([Fraction(each, POINTS_PER_PERCENT) for each in points])


def _rounded(shares: Sequence[Fraction]) -> list[int]:
    """Whole numbers that add up to the rounded sum: by largest remainder, the first of equals."""
    whole = [floor(share) for share in shares]
    left = round(sum(shares)) - sum(whole)
    by_remainder = sorted(range(len(shares)), key=lambda i: whole[i] - shares[i])
    for i in by_remainder[:left]:
        whole[i] += 1
    return whole
