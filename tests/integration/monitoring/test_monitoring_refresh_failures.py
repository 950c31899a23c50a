"""Refreshes that fail, break or were killed, and monitors that were changed: what others hear and see of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import sleep

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from refresh_world import HOURLY, NOON, TABLE, RefreshWorld, log_rows

from harness.databases import LentDatabases
from pierhead.monitoring.domain.alert_records import Delivery
from pierhead.monitoring.domain.monitors import (
    CustomMetric,
    CustomMetricType,
    MonitorDraft,
    MonitorStatus,
    Notifications,
    RefreshState,
    Schedule,
    TimeSeriesProfile,
)
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.services.delta_sql import empty_database, interrupting
from pierhead.monitoring.services.failed_refreshes import tell_failure
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.refresh_loop import TOO_LONG, RefreshLoop
from pierhead.monitoring.store.alert_outbox import DeliveryStore

HOUR = timedelta(hours=1)


@pytest.fixture
def world(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[RefreshWorld]:
    with on_sqlite.lend() as database:
        yield RefreshWorld(tmp_path, database)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(12)


def test_a_failing_refresh_says_why_and_the_next_one_may_succeed(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 60))
    world.write(pa.table({"x": ["text"]}), "main.watch.log_profile_metrics")
    world.watch(HOURLY)
    world.loop.tick()

    assert world.last().state is RefreshState.FAILED
    assert "holds no metrics" in world.last().message
    assert world.monitor().status is MonitorStatus.ERROR


def test_failures_are_told_by_mail_once_until_a_refresh_succeeds_again(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 60))
    world.watch(HOURLY, notifications=Notifications(("ops@example.com",)))
    telling = RefreshLoop(world.database, world.clock, replace(world.around, failed=tell_failure))
    place = world.path(TABLE)

    def told() -> list[Delivery]:
        with world.database.reading() as connection:
            return DeliveryStore(connection).list_of_rule("", 10)

    for hidden in (True, True, False, True):
        if hidden:
            place.rename(place.with_name("away"))
        world.ask()
        telling.tick()
        if hidden:
            place.with_name("away").rename(place)

    assert [each.subject for each in told()] == [f"The monitor of {TABLE} could not be refreshed"] * 2
    assert "does not exist" in told()[0].body


def test_a_refresh_that_breaks_does_not_hold_up_the_next_one(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 60))
    world.watch(HOURLY)

    def broken(_path: Path) -> tuple[int, ...]:
        raise KeyError("nobody foresaw this")

    assert RefreshLoop(world.database, world.clock, replace(world.around, pinned=broken)).tick()

    assert (world.last().state, "KeyError" in world.last().message) == (RefreshState.FAILED, True)
    assert world.refresh().state is RefreshState.SUCCESS


def test_a_monitor_whose_refresh_takes_too_long_waits_longer_each_time(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 60))
    world.watch(HOURLY, schedule=Schedule("0 0 * * * ?", "UTC"))
    hasty = RefreshLoop(world.database, world.clock, replace(world.around, longest_s=0.0))
    assert hasty.tick()
    assert (world.last().state, world.last().message[: len(TOO_LONG)]) == (RefreshState.FAILED, TOO_LONG)
    waited = []
    for _ in range(2):
        hours = 0
        while not hours or not hasty.tick():
            world.clock.advance(3600)
            hours += 1
        waited.append(hours)
    # Two and four hours, and then the next full one.
    assert waited == [3, 5]

    world.ask()
    assert world.loop.tick()
    assert world.last().state is RefreshState.SUCCESS


def test_no_query_after_the_end_of_the_time_goes_on() -> None:
    with empty_database() as database, interrupting(database, 0.01):
        for _ in range(2):
            with pytest.raises(duckdb.InterruptException):
                database.execute("SELECT sum(a.range + b.range) FROM range(10000000) a, range(10000000) b").fetchall()


def test_what_a_killed_refresh_left_on_disk_is_taken_away(world: RefreshWorld, tmp_path: Path) -> None:
    left = tmp_path / "work" / "pierhead-refresh-1" / "profile.arrow"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"rows")

    RefreshLoop(world.database, world.clock, replace(world.around, work=tmp_path / "work")).tick()

    assert list((tmp_path / "work").iterdir()) == []


def test_windows_that_a_monitor_has_no_longer_are_not_judged_any_more(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 60))
    before = world.watch(HOURLY)
    world.refresh()
    output = MonitorOutput(world.database, world.folders.root)
    assert set(output.read_profile(before, NOON - HOUR)["granularity"].to_pylist()) == {"1 hour"}

    daily = MonitorDraft(TABLE, "main.watch", replace(HOURLY, granularities=(Granularity.DAY,)))
    with world.database.transaction() as connection:
        checked = Definitions(world.folders, world.clock).check(daily)
        now = Monitors(connection, world.clock).update(TABLE, checked)
    world.refresh()

    assert set(output.read_profile(now, NOON - HOUR)["granularity"].to_pylist()) == {"1 day"}


def test_a_query_under_way_ends_when_nobody_wants_it_any_more() -> None:
    with (
        empty_database() as database,
        interrupting(database, 600.0, lambda: True),
        pytest.raises(duckdb.InterruptException),
    ):
        database.execute("SELECT sum(a.range + b.range) FROM range(10000000) a, range(10000000) b").fetchall()


def test_a_refresh_that_is_canceled_ends_though_its_query_would_run_on(
    world: RefreshWorld, generator: np.random.Generator
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 300_000))
    slow = f"max(length(greatest({', '.join(f'md5(x::VARCHAR || {each})' for each in range(300))})))"
    metrics = [CustomMetric(f"slow_{n}", CustomMetricType.AGGREGATE, slow, ("x",), "double") for n in range(4)]
    world.watch(HOURLY, custom_metrics=tuple(metrics))
    working = Thread(target=world.loop.tick)
    working.start()
    while world.last().state is RefreshState.PENDING:
        sleep(0.02)
    # It is at the slow query by then.
    sleep(1)
    with world.database.transaction() as connection:
        Monitors(connection, world.clock).cancel_refresh(TABLE, world.last().id)
    working.join(10)

    assert not working.is_alive()
    assert world.last().state is RefreshState.CANCELED
    assert world.monitor().status is not MonitorStatus.ERROR


@pytest.mark.parametrize("granularity", [Granularity.WEEKS_4, Granularity.YEAR])
def test_rows_of_odd_times_are_in_no_window_and_the_refresh_says_how_many(
    world: RefreshWorld, generator: np.random.Generator, granularity: Granularity
) -> None:
    world.write(log_rows(generator, NOON - HOUR, 60))
    world.watch(TimeSeriesProfile("ts", (granularity,)))
    odd = log_rows(generator, NOON - HOUR, 3)
    times = [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), NOON]
    odd = odd.set_column(0, "ts", pa.array(times, odd.schema.field("ts").type))
    world.write(odd)
    assert world.loop.tick()
    assert (world.last().state, world.last().message[:16]) == (RefreshState.SUCCESS, "left out 2 rows ")
    assert set(world.profile(column_name=":table")["count"]) == {61}

    world.write(odd)
    assert (world.refresh().state, world.last().message[:16]) == (RefreshState.SUCCESS, "left out 4 rows ")
    world.write(log_rows(generator, NOON - HOUR, 60), mode="overwrite")
    assert (world.refresh().state, world.last().message) == (RefreshState.SUCCESS, "")
    assert set(world.profile(column_name=":table")["count"]) == {60}
