"""Windows cover time without gaps or overlaps, in Python as in SQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.monitoring.domain.windows import Granularity, Window, after, before, compared, read_for, window_of
from pierhead.monitoring.services.window_sql import TIMES, merged, start_sql

moments = st.datetimes(datetime(1969, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
granularities = st.sampled_from(Granularity)


@given(granularities, moments)
def test_a_moment_is_in_its_window_and_in_no_neighbour(granularity: Granularity, at: datetime) -> None:
    window = window_of(granularity, at)
    assert window.start <= at < window.end
    assert before(granularity, window).end == window.start
    assert after(granularity, window).start == window.end
    assert window_of(granularity, window.start) == window_of(granularity, window.end - timedelta(microseconds=1))


@given(granularities, moments)
def test_windows_consist_of_whole_five_minutes(granularity: Granularity, at: datetime) -> None:
    finest = window_of(Granularity.MINUTES_5, at)
    window = window_of(granularity, at)
    assert window.start <= finest.start
    assert finest.end <= window.end


@given(granularities, st.lists(moments, max_size=5))
def test_all_that_a_changed_window_is_compared_in_is_read(granularity: Granularity, changed: list[datetime]) -> None:
    windows = {window_of(granularity, at) for at in changed}
    again = compared(granularity, windows)
    assert {after(granularity, window) for window in windows} <= again
    assert {before(granularity, window) for window in again} | again == read_for(granularity, windows)


@given(granularities, st.lists(moments, max_size=8))
def test_merged_windows_cover_the_same_time_and_do_not_touch(granularity: Granularity, changed: list[datetime]) -> None:
    windows = {window_of(granularity, at) for at in changed}
    periods = merged(windows)
    assert sum((p.end - p.start for p in periods), timedelta()) == sum((w.end - w.start for w in windows), timedelta())
    assert all(first.end < second.start for first, second in pairwise(periods))


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        yield database


@settings(max_examples=20)
@given(granularities, st.lists(moments | st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=20))
def test_sql_puts_moments_into_the_same_windows(
    database: duckdb.DuckDBPyConnection, granularity: Granularity, chosen: list[datetime]
) -> None:
    values = ", ".join(f"(TIMESTAMP '{at.replace(tzinfo=None).isoformat(sep=' ')}')" for at in chosen)
    start = start_sql(granularity, "moment")
    found = database.execute(f"SELECT {start} FROM (VALUES {values}) v(moment)").fetchall()
    starts = [None if row[0] is None else row[0].replace(tzinfo=UTC) for row in found]
    is_odd = [not TIMES.start <= at < TIMES.end for at in chosen]
    assert starts == [None if odd else window_of(granularity, at).start for at, odd in zip(chosen, is_odd, strict=True)]


def test_windows_are_ordered_by_their_start() -> None:
    early, late = (window_of(Granularity.DAY, datetime(2026, 1, day, tzinfo=UTC)) for day in (1, 2))
    assert sorted([late, early]) == [early, late]
    assert merged([late, early]) == [Window(early.start, late.end)]
