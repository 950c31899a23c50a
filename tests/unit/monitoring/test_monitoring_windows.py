"""Windows at the edges of calendars."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pierhead.monitoring.domain.windows import Granularity, window_of

AT = datetime(2026, 3, 1, 10, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("granularity", "start", "end"),
    [
        ("5 minutes", "2026-03-01T10:15", "2026-03-01T10:20"),
        ("30 minutes", "2026-03-01T10:00", "2026-03-01T10:30"),
        ("1 hour", "2026-03-01T10:00", "2026-03-01T11:00"),
        ("1 day", "2026-03-01T00:00", "2026-03-02T00:00"),
        ("1 week", "2026-02-23T00:00", "2026-03-02T00:00"),
        ("4 weeks", "2026-02-16T00:00", "2026-03-16T00:00"),
        ("1 month", "2026-03-01T00:00", "2026-04-01T00:00"),
        ("1 year", "2026-01-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_a_window_has_the_width_that_its_name_says(granularity: str, start: str, end: str) -> None:
    window = window_of(Granularity(granularity), AT)
    assert (window.start.isoformat(timespec="minutes")[:16], window.end.isoformat(timespec="minutes")[:16]) == (
        start,
        end,
    )


def test_weeks_begin_on_mondays() -> None:
    assert {window_of(each, AT).start.weekday() for each in Granularity if "week" in each.value} == {0}


def test_moments_of_other_zones_are_put_into_windows_of_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert window_of(Granularity.DAY, elsewhere) == window_of(Granularity.DAY, AT)
