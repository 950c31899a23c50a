"""Weekly freeze windows on the clocks of a zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pierhead.registry.domain.windows import parse_window

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo | None = None, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone or UTC, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-03-06 15:59:59", None),
        ("2026-03-06 16:00", "2026-03-09 08:00"),
        ("2026-03-08 23:59", "2026-03-09 08:00"),
        ("2026-03-09 07:59:59", "2026-03-09 08:00"),
        ("2026-03-09 08:00", None),
        ("2026-03-11 12:00", None),
    ],
)
def test_a_window_over_the_weekend_begins_in_one_week_and_ends_in_the_next(now, end):
    assert parse_window("Fri 16:00-Mon 08:00 UTC").find_end(at(now)) == (end and at(end))


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("Wed 10:00-Wed 14:00 UTC", "2026-03-04 10:00", "2026-03-04 14:00"),
        ("Wed 14:00-Wed 10:00 UTC", "2026-03-04 14:00", "2026-03-04 12:00"),
        ("Sat 00:00-Sun 24:00 UTC", "2026-03-08 23:59", "2026-03-09 00:00"),
        ("Sun 12:00-Mon 00:00 UTC", "2026-03-08 12:00", "2026-03-09 00:00"),
        ("Mon 00:00-Mon 00:01 UTC", "2026-03-09 00:00", "2026-03-09 00:01"),
        ("Fri 16:00-Fri 17:00 America/New_York", "2026-03-06 21:30", "2026-03-06 16:30"),
    ],
)
def test_windows_of_all_shapes(window, inside, outside):
    assert parse_window(window).find_end(at(inside)) is not None
    assert parse_window(window).find_end(at(outside)) is None


def test_the_hours_follow_the_clocks_when_they_change():
    window = parse_window("Fri 16:00-Mon 08:00 Europe/Berlin")
    # Clocks go forward on 29 March 2026, within this window.
    assert window.find_end(at("2026-03-27 15:00")) == at("2026-03-30 06:00")
    assert window.find_end(at("2026-03-20 15:00")) == at("2026-03-23 07:00")


def test_an_end_that_clocks_skip_is_the_moment_of_the_skip():
    window = parse_window("Sun 01:00-Sun 02:30 Europe/Berlin")
    assert window.find_end(at("2026-03-29 01:30", BERLIN)) == at("2026-03-29 01:00")


def test_a_start_that_clocks_skip_is_the_moment_of_the_skip():
    window = parse_window("Sun 02:30-Sun 04:00 Europe/Berlin")
    assert window.find_end(at("2026-03-29 00:59:59")) is None
    assert window.find_end(at("2026-03-29 01:00")) == at("2026-03-29 02:00")


def test_times_that_clocks_show_twice_make_the_window_longer():
    # Clocks go back from 03:00 to 02:00 on 25 October 2026.
    ends = parse_window("Sun 01:00-Sun 02:30 Europe/Berlin")
    assert ends.find_end(at("2026-10-25 02:45", BERLIN, fold=0)) == at("2026-10-25 02:30", BERLIN, fold=1)
    starts = parse_window("Sun 02:30-Sun 04:00 Europe/Berlin")
    assert starts.find_end(at("2026-10-25 02:30", BERLIN, fold=0)) == at("2026-10-25 04:00", BERLIN)
    assert starts.find_end(at("2026-10-25 02:29", BERLIN, fold=0)) is None
    assert starts.find_end(at("2026-10-25 02:15", BERLIN, fold=1)) is not None


def test_a_zone_with_a_change_of_half_an_hour():
    window = parse_window("Sun 02:15-Sun 05:00 Australia/Lord_Howe")
    # Clocks go forward from 02:00 to 02:30 on 4 October 2026: 15:30 UTC on the day before.
    assert window.find_end(at("2026-10-03 15:29:59")) is None
    assert window.find_end(at("2026-10-03 15:30")) == at("2026-10-03 18:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weekends", "not of the form"),
        ("Fri 16:00-Mon 08:00", "not of the form"),
        ("Fri 4pm-Mon 8am UTC", "not of the form"),
        ("Fre 16:00-Mon 08:00 UTC", "no day 'Fre'; days are Mon, Tue"),
        ("Fri 24:01-Mon 08:00 UTC", "no time 24:01"),
        ("Fri 16:60-Mon 08:00 UTC", "no time 16:60"),
        ("Fri 16:00-Mon 08:00 Mars/Olympus", "no time zone 'Mars/Olympus'"),
        ("Fri 16:00-Mon 08:00 ../../etc/passwd", "no time zone"),
        ("Fri 16:00-Fri 16:00 UTC", "starts where it ends"),
        ("Sun 24:00-Mon 00:00 UTC", "starts where it ends"),
    ],
)
def test_what_is_no_window_is_refused_with_how_to_write_one(text, said):
    with pytest.raises(ValueError, match=said):
        parse_window(text)


def test_a_window_is_shown_as_it_is_written():
    assert str(parse_window(" fri 16:00 -  mon 08:00  Europe/Berlin")) == "Fri 16:00-Mon 08:00 Europe/Berlin"
    assert parse_window("Fri 16:00-Mon 08:00 UTC").find_end(at("2026-03-07 00:00") + timedelta(weeks=52)) is not None
