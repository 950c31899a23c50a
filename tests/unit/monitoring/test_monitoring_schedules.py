"""Quartz' cron expressions."""

from datetime import UTC, datetime

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.monitors import Schedule
from pierhead.monitoring.domain.schedules import next_due

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)  # A Thursday.


@pytest.mark.parametrize(
    ("expression", "zone", "due"),
    [
        ("0 */5 * * * ?", "UTC", "2026-01-01T12:05:00"),
        ("30 0 13 * * ?", "UTC", "2026-01-01T13:00:30"),
        ("0 0 12 ? * 2", "UTC", "2026-01-05T12:00:00"),
        ("0 0 12 ? * MON-FRI *", "UTC", "2026-01-02T12:00:00"),
        ("0 0 12 ? * 6#3", "UTC", "2026-01-16T12:00:00"),
        ("0 0 0 L * ?", "UTC", "2026-01-31T00:00:00"),
        ("0 0 14 * * ?", "Europe/Berlin", "2026-01-01T13:00:00"),
    ],
)
def test_the_next_moment_is_found(expression: str, zone: str, due: str) -> None:
    found = next_due(Schedule(expression, zone), NOW)
    assert found is not None
    assert found.isoformat() == f"{due}+00:00"


def test_a_paused_schedule_is_never_due() -> None:
    assert next_due(Schedule("0 0 12 * * ?", "UTC", is_paused=True), NOW) is None


@pytest.mark.parametrize(
    ("expression", "zone", "reason"),
    [
        ("* * * * *", "UTC", "six fields"),
        ("0 61 * * * ?", "UTC", "minute"),
        ("0 0 0 * * ? 2027", "UTC", "years"),
        ("0 0 12 * * ?", "Mars/Phobos", "time zone"),
        ("0 0 12 * * ?", "/etc/passwd", "time zone"),
    ],
)
def test_what_is_no_schedule_is_refused(expression: str, zone: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        next_due(Schedule(expression, zone), NOW)
