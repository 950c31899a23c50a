"""Time windows of profiles: UTC, half open, the same for everybody.

Minutes, hours and days are counted from 1970-01-01 00:00, weeks from Monday 1970-01-05; months and years are those of
the calendar.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_WEEK = timedelta(weeks=1)


class Granularity(Enum):
    """How wide windows are. Values are what Databricks calls them, and stand in the metric tables."""

    MINUTES_5 = "5 minutes"
    MINUTES_30 = "30 minutes"
    HOUR = "1 hour"
    DAY = "1 day"
    WEEK = "1 week"
    WEEKS_2 = "2 weeks"
    WEEKS_3 = "3 weeks"
    WEEKS_4 = "4 weeks"
    MONTH = "1 month"
    YEAR = "1 year"

    @property
    def width(self) -> timedelta | None:
        """None if windows are not all equally wide."""
        return _WIDTHS.get(self)

    @property
    def sql_interval(self) -> str:
        """The width as DuckDB's `time_bucket` takes it."""
        return f"INTERVAL '{self.value}'"

    @property
    def origin(self) -> datetime:
        """Where a window begins, from which the others are counted."""
        return _FIRST_MONDAY if self.width is not None and self.width % _WEEK == timedelta(0) else _EPOCH


_WIDTHS = {
    Granularity.MINUTES_5: timedelta(minutes=5),
    Granularity.MINUTES_30: timedelta(minutes=30),
    Granularity.HOUR: timedelta(hours=1),
    Granularity.DAY: timedelta(days=1),
    Granularity.WEEK: _WEEK,
    Granularity.WEEKS_2: 2 * _WEEK,
    Granularity.WEEKS_3: 3 * _WEEK,
    Granularity.WEEKS_4: 4 * _WEEK,
}


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `start` until before `end`."""

    start: datetime
    end: datetime


def window_of(granularity: Granularity, at: datetime) -> Window:
    """The window that the moment is in.

    >>> window_of(Granularity.MONTH, datetime(2026, 12, 31, 23, 59, tzinfo=UTC)).end.isoformat()
    '2027-01-01T00:00:00+00:00'
    """
    at = at.astimezone(UTC)
    width = granularity.width
    if width is None:
        return _calendar(granularity, at)
    start = granularity.origin + (at - granularity.origin) // width * width
    return Window(start, start + width)


def before(granularity: Granularity, window: Window) -> Window:
    """The window that ends where this one starts."""
    return window_of(granularity, window.start - timedelta(microseconds=1))


def after(granularity: Granularity, window: Window) -> Window:
    """The window that starts where this one ends."""
    return window_of(granularity, window.end)


def compared(granularity: Granularity, changed: Iterable[Window]) -> set[Window]:
    """Windows whose comparison with the one before is another one now: those that changed, and those after them."""
    windows = set(changed)
    return windows | {after(granularity, window) for window in windows}


def read_for(granularity: Granularity, changed: Iterable[Window]) -> set[Window]:
    """Windows whose rows are needed to compute the changed ones anew, and all comparisons that they take part in."""
    again = compared(granularity, changed)
    return again | {before(granularity, window) for window in again}


def _calendar(granularity: Granularity, at: datetime) -> Window:
    if granularity is Granularity.YEAR:
        start = datetime(at.year, 1, 1, tzinfo=UTC)
        return Window(start, start.replace(year=at.year + 1))
    start = datetime(at.year, at.month, 1, tzinfo=UTC)
    return Window(start, datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC))
