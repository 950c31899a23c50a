"""A refresh that is killed, wherever: begun again it ends with the rows of an undisturbed one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refresh_world import BASELINE, LOG, NOON, RefreshWorld, log_rows
from sqlalchemy import Connection
from test_monitoring_refresh import HOUR

from harness.databases import LentDatabases
from pierhead.kit.db import Database
from pierhead.monitoring.domain.monitors import RefreshState
from pierhead.monitoring.services.refresh_loop import RefreshLoop


class Killed(BaseException):
    """Nobody catches it, as nobody outlives kill -9."""


class MortalDatabase:
    """A database whose user dies before the nth use of it, or right after a transaction that was the nth."""

    def __init__(self, database: Database, uses: int) -> None:
        self._database = database
        self.left = uses

    def _use(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        self._use()
        with self._database.reading() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._use()
        with self._database.transaction() as connection:
            yield connection
        self._use()


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, on_sqlite: LentDatabases
) -> tuple[pd.DataFrame, pd.DataFrame]:
    with on_sqlite.lend() as database:
        world = prepared(tmp_path_factory.mktemp("undisturbed"), database)
        assert world.loop.tick()
        return world.profile(), world.drift()


def test_a_refresh_killed_at_each_commit_ends_with_the_same_rows(
    tmp_path: Path, on_sqlite: LentDatabases, undisturbed: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    with on_sqlite.lend() as database:
        world = prepared(tmp_path, database)
        deaths = 0
        while not lives(world, uses=deaths + 1):
            deaths += 1
            assert deaths < 60
        assert world.last().state is RefreshState.SUCCESS
        assert_same(world, undisturbed)
    assert deaths >= 8


def test_a_refresh_killed_after_each_write_to_a_table_ends_with_the_same_rows(
    tmp_path: Path, on_sqlite: LentDatabases, undisturbed: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    with on_sqlite.lend() as database:
        world = prepared(tmp_path, database)

        def dies(_path: Path) -> tuple[int, ...]:
            # Asked right after the commit.
            raise Killed

        mortal = RefreshLoop(database, world.clock, replace(world.around, pinned=dies))
        for _ in range(3):
            with pytest.raises(Killed):
                mortal.tick()
        assert world.last().state is RefreshState.RUNNING
        assert world.loop.tick()
        assert_same(world, undisturbed)


def prepared(root: Path, database: Database) -> RefreshWorld:
    """A monitor that was refreshed once, and then got rows for old windows and new ones."""
    generator = np.random.default_rng(5)
    world = RefreshWorld(root, database)
    world.write(log_rows(generator, NOON, 200), BASELINE)
    for hours in (4, 3, 2):
        world.write(log_rows(generator, NOON - hours * HOUR, 50))
    world.watch(LOG, baseline_table=BASELINE)
    world.refresh()
    world.write(log_rows(generator, NOON - 3 * HOUR, 50, shift=1.0))
    world.write(log_rows(generator, NOON - HOUR, 50))
    world.ask()
    return world


def lives(world: RefreshWorld, uses: int) -> bool:
    mortal = MortalDatabase(world.database, uses)
    loop = RefreshLoop(mortal, world.clock, world.around)  # type: ignore[arg-type]
    # Later than the first attempt: what is written down when a refresh begins must not depend on it.
    world.clock.advance(10)
    try:
        while loop.tick():
            pass
    except Killed:
        return False
    return True


def assert_same(world: RefreshWorld, undisturbed: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for found, expected in zip((world.profile(), world.drift()), undisturbed, strict=True):
        without = ["computed_at"]
        pd.testing.assert_frame_equal(found.drop(columns=without), expected.drop(columns=without))
