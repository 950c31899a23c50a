"""From values and moments to places, and which of them an axis names."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_LARGEST = 1e300
"""Beyond it, differences of two values may be no numbers."""


@dataclass(frozen=True, slots=True)
class Linear:
    """`lower` is drawn at `start`, `upper` at `end`; what lies beyond is drawn at the border."""

    lower: float
    upper: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        # Halves, as the whole range may be more than a float holds.
        width = self.upper / 2 - self.lower / 2
        share = 0.5 if width <= 0 else (value / 2 - self.lower / 2) / width
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Moments of a period, left to right."""

    lower: datetime
    upper: datetime
    start: float
    end: float

    def __call__(self, moment: datetime) -> float:
        share = (moment - self.lower) / max(self.upper - self.lower, timedelta(microseconds=1))
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


def finite(values: Iterable[float | None]) -> list[float]:
    """Those that can be drawn: no None, no NaN, no infinity."""
    return [min(_LARGEST, max(-_LARGEST, value)) for value in values if value is not None and math.isfinite(value)]


def is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def extent(values: Iterable[float | None], *, from_zero: bool = False) -> tuple[float, float]:
    """A range around the values with room in it, whatever they are.

    >>> extent([]), extent([3.0, 3.0]), extent([1.0, None, 2.0], from_zero=True)
    ((0.0, 1.0), (2.7, 3.3), (0.0, 2.0))
    """
    known = finite(values) + ([0.0] if from_zero else [])
    if not known:
        return 0.0, 1.0
    lower, upper = min(known), max(known)
    if upper > lower:
        return lower, upper
    if lower == 0:
        return 0.0, 1.0
    room = abs(lower) * 0.1
    widened = (round(lower - room, 12), round(lower + room, 12))
    return widened if widened[0] < widened[1] else (lower - room, lower + room)


def ticks(lower: float, upper: float, most: int = 5) -> list[float]:
    """Round values within the range, in equal steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0.0, 1.0), ticks(-3.0, 17.0, most=4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 5.0, 10.0, 15.0])
    """
    rough = (upper / most) - (lower / most)
    if rough <= 0 or not math.isfinite(rough):
        return [lower]
    power = math.floor(math.log10(rough))
    step = next((nice * 10.0**power for nice in (1, 2, 5, 10) if nice * 10.0**power >= rough * 0.999), rough)
    first, last = math.ceil(lower / step - 1e-9), math.floor(upper / step + 1e-9)
    # Steps finer than floats at that place, as between two neighbouring huge numbers.
    if not step or last - first > 2 * most or lower + step == lower:
        return [lower, upper]
    decimals = max(0, 1 - power)
    return [round(place * step, decimals) if decimals < 300 else place * step for place in range(first, last + 1)]


_STEPS = [
    *(timedelta(minutes=count) for count in (1, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 182, 364, 1820)),
]
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


def time_ticks(start: datetime, end: datetime, most: int = 6) -> list[tuple[datetime, str]]:
    """Round moments (UTC) within the period with what an axis calls them.

    >>> [label for _, label in time_ticks(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC), most=4)]
    ['1 May', '06:00', '12:00', '18:00', '2 May']
    """
    period = end - start
    if period <= timedelta(0):
        return [(start, _moment(start, timedelta(0)))]
    step = next((step for step in _STEPS if period / step <= most), _STEPS[-1])
    first = -((_MONDAY - start) // step) if start != _MONDAY else 0
    moments: list[datetime] = []
    at = _MONDAY + first * step
    while at <= end and len(moments) <= 3 * most:
        if at >= start:
            moments.append(at)
        at += step
    return [(moment, _moment(moment, step)) for moment in moments] or [(start, _moment(start, timedelta(0)))]


def thinned(labels: Sequence[tuple[float, str]], room: float) -> list[tuple[float, str]]:
    """Those labels (place, words) that keep so much room between their middles."""
    kept: list[tuple[float, str]] = []
    for place, label in labels:
        if not kept or place - kept[-1][0] >= room:
            kept.append((place, label))
    return kept


def _moment(moment: datetime, step: timedelta) -> str:
    day = f"{moment.day} {moment:%b}"
    if step >= timedelta(days=91):
        return f"{moment:%b %Y}"
    if step >= timedelta(days=1) or (step and moment.hour == moment.minute == 0):
        return day
    return f"{moment:%H:%M}" if step else f"{day} {moment:%H:%M}"
