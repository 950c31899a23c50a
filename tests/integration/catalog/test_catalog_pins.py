from pathlib import Path
from shutil import rmtree

import pyarrow as pa
from deltalake import write_deltalake

from fakes.clock import FixedClock
from pierhead.catalog.services.pins import Pins, verify_pins
from pierhead.kit.db import Database
from pierhead.kit.delta_versions import read_version

CLOCK = FixedClock()


def pin(database: Database, location: Path, version: int, holder: str, manifest_sha256: str | None = None) -> None:
    with database.transaction() as connection:
        pins = Pins(connection, CLOCK)
        pins.pin(location, version, reason="a test", holder=holder, manifest_sha256=manifest_sha256)


def versions_of(database: Database, location: Path) -> frozenset[int]:
    with database.reading() as connection:
        return Pins(connection, CLOCK).versions_of(location)


def test_a_version_is_pinned_until_its_last_holder_lets_go(database: Database, tmp_path: Path) -> None:
    for holder in ("a", "b", "a"):
        pin(database, tmp_path / "t", 0, holder)
    pin(database, tmp_path / "t", 3, "b")
    assert versions_of(database, tmp_path / "t") == {0, 3}

    with database.transaction() as connection:
        Pins(connection, CLOCK).release("b")
    assert versions_of(database, tmp_path / "t") == {0}
    with database.transaction() as connection:
        Pins(connection, CLOCK).release("a")
    assert versions_of(database, tmp_path / "t") == frozenset()


def test_a_table_is_one_table_whatever_path_leads_to_it(database: Database, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "t")
    pin(database, tmp_path / "link", 1, "a")

    assert versions_of(database, tmp_path / "t") == {1}
    assert versions_of(database, tmp_path / "other" / ".." / "t") == {1}
    assert versions_of(database, tmp_path / "t2") == frozenset()


def test_verifying_finds_what_is_gone_and_what_is_another_table(database: Database, tmp_path: Path) -> None:
    for name in ("good", "gone", "other"):
        write_deltalake(tmp_path / name, pa.table({"a": [1]}))
        pin(database, tmp_path / name, 0, "a", read_version(tmp_path / name, 0).manifest_sha256)
    rmtree(tmp_path / "gone")
    rmtree(tmp_path / "other")
    write_deltalake(tmp_path / "other", pa.table({"a": [1]}))

    report = verify_pins(database, CLOCK)
    broken = {each.pin.location.name: each.problem for each in report.broken}

    assert report.checked > len(report.broken)
    assert sorted(broken) == ["gone", "other"]
    assert "there is no Delta table" in broken["gone"]
    assert "another one than was pinned" in broken["other"]
