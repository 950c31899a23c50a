"""Weekly windows in which nothing moves: `Fri 16:00-Mon 08:00 Europe/Berlin`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTES_OF_WEEK = 7 * 24 * 60
_WINDOW = re.compile(
    r"\s*(?P<from_day>[a-z]{3})\s+(?P<from_hour>\d\d):(?P<from_minute>\d\d)\s*-"
    r"\s*(?P<to_day>[a-z]{3})\s+(?P<to_hour>\d\d):(?P<to_minute>\d\d)\s+(?P<zone>\S+)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FreezeWindow:
    """`start` and `end` are minutes since Monday 00:00 on the clocks of `zone`; `end` may be in the next week."""

    start: int
    end: int
    zone: str

    def find_end(self, now: datetime) -> datetime | None:
        """When the window that `now` is in ends, in UTC; None if `now` is in none.

        A start or end that the clocks show twice means the longer window; one that they skip means the moment of the
        skip.
        """
        zone = ZoneInfo(self.zone)
        local = now.astimezone(zone)
        monday = datetime.combine(local.date() - timedelta(days=local.weekday()), time())
        for week in (-1, 0, 1):
            base = monday + timedelta(weeks=week)
            length = (self.end - self.start) % _MINUTES_OF_WEEK
            start = base + timedelta(minutes=self.start)
            if min(_moments(start, zone)) <= now < max(_moments(start + timedelta(minutes=length), zone)):
                return max(_moments(start + timedelta(minutes=length), zone))
        return None

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)} {self.zone}"


def parse_window(text: str) -> FreezeWindow:
    """Raises ValueError with a sentence that says what is wrong and how it is written.

    >>> str(parse_window("fri 16:00 - Mon 08:00 UTC"))
    'Fri 16:00-Mon 08:00 UTC'
    """
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError("it is not of the form 'Fri 16:00-Mon 08:00 Europe/Berlin': day, time, '-', day, time, zone")
    start = _minutes(match["from_day"], match["from_hour"], match["from_minute"])
    end = _minutes(match["to_day"], match["to_hour"], match["to_minute"])
    if start % _MINUTES_OF_WEEK == end % _MINUTES_OF_WEEK:
        raise ValueError("it starts where it ends; to freeze for ever, remove the groups that approve")
    try:
        zone = ZoneInfo(match["zone"])
    except (ValueError, OSError, LookupError):
        raise ValueError(f"there is no time zone '{match['zone']}'; write UTC or a name like Europe/Berlin") from None
    return FreezeWindow(start % _MINUTES_OF_WEEK, end % _MINUTES_OF_WEEK, str(zone))


def _minutes(day: str, hour: str, minute: str) -> int:
    if day.lower() not in _DAYS:
        raise ValueError(f"there is no day '{day}'; days are {', '.join(each.title() for each in _DAYS)}")
    if int(minute) > 59 or int(hour) * 60 + int(minute) > 24 * 60:
        raise ValueError(f"there is no time {hour}:{minute}; times are 00:00 to 24:00")
    return _DAYS.index(day.lower()) * 24 * 60 + int(hour) * 60 + int(minute)


def _clock(minutes: int) -> str:
    day, rest = divmod(minutes, 24 * 60)
    return f"{_DAYS[day].title()} {rest // 60:02}:{rest % 60:02}"


def _moments(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments, in UTC, at which clocks in `zone` show `wall`: twice the same but where clocks are put back."""
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first, second
    skip = _skip(second, first, zone)
    return skip, skip


def _skip(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two at which clocks in `zone` jump, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if middle <= before:
            break
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == offset else (before, middle)
    return after
