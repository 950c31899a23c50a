"""Which time a report is about, in windows of which width."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from pierhead.monitoring.domain.windows import Granularity, Window, after, window_of

USUAL = timedelta(days=14)
"""How far a report looks back at most unless asked for more."""

MOST_WINDOWS = 96
MOST_SHOWN = 400
"""Windows of the coarsest granularity; what is older is left out."""

_MONTH, _YEAR = timedelta(days=30), timedelta(days=365)


def choose(
    now: datetime, granularities: Iterable[Granularity], *, since: datetime | None, first: datetime | None
) -> tuple[Window, Granularity]:
    """The period, whole windows wide, and the finest granularity that does not make too many windows of it.

    `first` is when the data begins, if there is any; without `since` the report begins there, but not before `USUAL`.
    """
    start = since if since is not None else max(first or now - USUAL, now - USUAL)
    start = min(start, now)
    ordered = sorted(granularities, key=_width) or [Granularity.HOUR]
    fine = (each for each in ordered if (now - start) / _width(each) <= MOST_WINDOWS)
    granularity = next(fine, ordered[-1])
    start = max(start, now - MOST_SHOWN * _width(granularity))
    return Window(window_of(granularity, start).start, window_of(granularity, now).end), granularity


def windows_of(period: Window, granularity: Granularity) -> list[Window]:
    """All windows that begin in the period, those without any data too."""
    windows = [window_of(granularity, period.start)]
    while windows[-1].end < period.end:
        windows.append(after(granularity, windows[-1]))
    return windows


def _width(granularity: Granularity) -> timedelta:
    return granularity.width or (_MONTH if granularity is Granularity.MONTH else _YEAR)
