"""`pierhead tables verify-pins` on a home."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from deltalake import write_deltalake

from pierhead.catalog.services.pins import Pins
from pierhead.cli.main import main
from pierhead.kit.clock import SystemClock
from pierhead.kit.home import Home
from pierhead.kit.settings import load
from pierhead.processes.prepare import create_folders, prepare_database
from pierhead.wiring.shared import open_database


@pytest.fixture
def home() -> Iterator[Home]:
    """One with two tables, whose first versions models were trained on."""
    with tempfile.TemporaryDirectory(prefix="ph-") as folder:
        home = Home(Path(folder))
        create_folders(home)
        database = open_database(load(home=home.root), home)
        prepare_database(database)
        with database.transaction() as connection:
            for name in ("loans", "claims"):
                write_deltalake(home.tables / name, pa.table({"amount": [1.0]}))
                reason = f"version 1 of main.risk.{name} was trained on it"
                Pins(connection, SystemClock()).pin(home.tables / name, 0, reason=reason, holder=name)
        database.dispose()
        yield home


def verify(home: Home, *options: str) -> Result:
    return CliRunner().invoke(main, ["tables", "verify-pins", "--home", str(home.root), *options])


def test_pinned_versions_that_are_all_there_are_told_as_such(home: Home) -> None:
    result = verify(home)

    assert result.exit_code == 0
    assert "All 2 pinned versions of tables are there" in result.output


def test_a_missing_version_is_named_with_who_needs_it_and_ends_with_an_exit_code(home: Home) -> None:
    shutil.rmtree(home.tables / "loans")
    result = verify(home)

    assert result.exit_code == 3
    assert "version 1 of main.risk.loans was trained on it" in result.stdout
    assert "there is no Delta table" in result.stdout
    assert "claims" not in result.stdout
    assert "1 of 2 pinned versions" in result.stderr


def test_programs_get_the_report_as_json(home: Home) -> None:
    for file in (home.tables / "claims").glob("*.parquet"):
        file.unlink()
    result = verify(home, "-o", "json")
    body = json.loads(result.stdout)

    assert result.exit_code == 3
    assert (body["checked"], [each["holder"] for each in body["broken"]]) == (2, ["claims"])
    assert body["broken"][0]["version"] == 0


def test_a_home_without_a_platform_is_no_home_without_problems(tmp_path: Path) -> None:
    result = verify(Home(tmp_path))

    assert result.exit_code == 1
    assert "holds no platform yet" in result.stderr
