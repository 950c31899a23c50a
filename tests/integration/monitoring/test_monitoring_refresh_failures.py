"""Refreshes that fail, break or were killed, and monitors that were changed: what others hear and see of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from refresh_world import HOURLY, NOON, TABLE, RefreshWorld, log_rows

from harness.databases import LentDatabases
from pierhead.monitoring.domain.alert_records import Delivery
from pierhead.monitoring.domain.monitors import MonitorDraft, MonitorStatus, Notifications, RefreshState
from pierhead.monitoring.domain.windows import Granularity
from pierhead.monitoring.services.failed_refreshes import tell_failure
from pierhead.monitoring.services.monitor_definitions import Definitions
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.monitors import Monitors
from pierhead.monitoring.services.refresh_loop import RefreshLoop
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
