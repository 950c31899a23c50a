"""Drift of the last minutes out of sketches: the same as out of the rows."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from fakes.clock import FixedClock
from pierhead.kit.clock import to_ms
from pierhead.monitoring.domain.live_drift import SLOT_MS, compare, merged, slot_of
from pierhead.monitoring.domain.monitors import Baseline
from pierhead.monitoring.services.live.counting import LiveCounts
from pierhead.monitoring.services.live.files import LiveFiles
from pierhead.monitoring.services.live.reading import LiveDrift, read_live
from pierhead.statistics.binning import decile_edges
from pierhead.statistics.distances import psi
from pierhead.statistics.references import categorical_reference, numeric_reference

TABLE, MODEL = "main.wine.quality_requests", "main.wine.quality/1"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TRAINED = np.random.default_rng(1).normal(0, 1, 20_000)
KINDS = np.random.default_rng(2).choice(["red", "white"], 20_000, p=[0.7, 0.3])
REFERENCES = {"x": numeric_reference(TRAINED), "kind": categorical_reference(KINDS.tolist())}


def rows(x: np.ndarray, at: datetime = NOON, kind: str = "red") -> pa.Table:
    n = len(x)
    return pa.table(
        {
            "timestamp": pa.array([at] * n, pa.timestamp("us", tz="UTC")),
            "model_name": ["main.wine.quality"] * n,
            "model_version": ["1"] * n,
            "shadow_of": pa.nulls(n, pa.string()),
            "x": x,
            "kind": pa.array(np.where(np.arange(n) % 10 < 7, kind, "white")),
        }
    )


class World:
    def __init__(self, root: Path) -> None:
        self.root, self.clock = root, FixedClock(NOON)
        LiveFiles(root).write_references(TABLE, MODEL, Baseline("main.wine.training", 0), REFERENCES)
        self.counts = LiveCounts(root, self.clock)

    def read(self) -> LiveDrift:
        return read_live(self.root, TABLE, self.clock.now())

    def levels(self) -> dict[str, str]:
        return {each.column: each.level for each in self.read().columns}


def test_quiet_rows_are_ok_and_shifted_ones_alarm(tmp_path: Path) -> None:
    world = World(tmp_path)
    x = np.random.default_rng(3).normal(0, 1, 2000)
    world.counts.add(TABLE, rows(x))
    world.counts.save()
    assert world.levels() == {"x": "ok", "kind": "ok"}
    world.clock.advance(1200)
    world.counts.add(TABLE, rows(x + 2, world.clock.now(), kind="blue"))
    world.counts.save()
    assert world.levels() == {"x": "alarm", "kind": "alarm"}


def test_the_sketches_agree_with_the_rows(tmp_path: Path) -> None:
    world = World(tmp_path)
    x = np.random.default_rng(4).normal(0.3, 1.2, 50_000)
    for part in np.array_split(x, 7):
        world.counts.add(TABLE, rows(part, world.clock.now()))
        world.clock.advance(60)
    world.counts.save()
    (found,) = (each for each in world.read().columns if each.column == "x")
    edges = decile_edges(TRAINED)
    counts = [np.histogram(values, [-np.inf, *np.nextafter(edges, np.inf), np.inf])[0] for values in (TRAINED, x)]
    assert found.statistic == "psi"
    assert found.value is not None
    assert abs(found.value - (psi.of_counts(*counts).value or 0)) < 1e-12
    assert (found.n, found.n_reference) == (50_000, 20_000)
    assert found.ks is not None
    assert found.ks_error is not None
    assert abs(found.ks - ks_2samp(TRAINED, x).statistic) <= found.ks_error


def test_what_was_saved_is_counted_on_after_a_restart_and_older_slots_go(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.counts.add(TABLE, rows(np.zeros(40)))
    world.counts.save()
    world.counts = LiveCounts(tmp_path, world.clock)
    world.counts.add(TABLE, rows(np.zeros(40)))
    world.counts.save()
    assert [each.n for each in world.read().columns if each.column == "x"] == [80]
    world.clock.advance(7200)
    world.counts.add(TABLE, rows(np.zeros(5), world.clock.now()))
    world.counts.save()
    assert LiveFiles(tmp_path).slots(TABLE) == [slot_of(to_ms(world.clock.now()))]


def test_a_disk_that_was_full_for_hours_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(LiveFiles, "write_slot", full)
        world.counts.add(TABLE, rows(np.zeros(40)))
        world.counts.save()
        world.clock.advance(7200)
        world.counts.save()
    world.counts.add(TABLE, rows(np.zeros(40), world.clock.now()))
    world.clock.advance(6)
    world.counts.save()
    assert [each.n for each in world.read().columns if each.column == "x"] == [40]


def test_little_is_not_judged_and_copies_for_shadows_are_not_counted(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.counts.add(TABLE, rows(np.full(29, 9.0)))
    shadows = rows(np.full(500, 9.0))
    shadows = shadows.set_column(shadows.column_names.index("shadow_of"), "shadow_of", pa.array(["r-1"] * 500))
    world.counts.add(TABLE, shadows)
    world.counts.save()
    assert world.levels() == {"x": "unknown", "kind": "unknown"}
    assert {each.n for each in world.read().columns} == {29}


def test_a_version_without_a_reference_is_wanted_and_says_nothing(tmp_path: Path) -> None:
    counts = LiveCounts(tmp_path, FixedClock(NOON))
    counts.add(TABLE, rows(np.zeros(100)))
    counts.save()
    assert list(counts.wanted) == [(TABLE, MODEL)]
    assert read_live(tmp_path, TABLE, NOON).columns == []


def test_sketches_on_other_bins_are_left_out() -> None:
    old, new = numeric_reference(TRAINED + 5).current(), REFERENCES["x"].current()
    old.add(np.zeros(100))
    new.add(np.zeros(40))
    whole = merged([old, new])
    assert whole is not None
    assert whole.n == 40
    assert compare(MODEL, {"x": numeric_reference(TRAINED + 5)}, {"x": whole}) == []
    assert slot_of(SLOT_MS * 3 + 1) == SLOT_MS * 3
