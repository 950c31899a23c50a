"""`pierhead tables` and `pierhead catalogs` against a fake server: what they send, print and exit with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fakes.rest_server import RestServer
from pierhead.cli.main import main

_ROOT = "/api/2.1/unity-catalog"
_TABLE = {
    "full_name": "main.a.t",
    "table_type": "EXTERNAL",
    "storage_location": "/data/t",
    "owner": "ada",
    "columns": [{"name": "x", "type_text": "bigint"}],
    "properties": {"delta.lastUpdateVersion": "3", "delta.lastCommitTimestamp": "1000", "team": "risk"},
}


@pytest.fixture
def server() -> Iterator[RestServer]:
    with RestServer() as server:
        yield server


@pytest.fixture
def run(server: RestServer, tmp_path: Path) -> Any:
    variables = {
        "DATABRICKS_HOST": server.url,
        "DATABRICKS_TOKEN": "phd_x",
        "DATABRICKS_CONFIG_FILE": str(tmp_path / "cfg"),
        "DATABRICKS_CONFIG_PROFILE": None,
        "PIERHEAD_HOME": str(tmp_path / "home"),
    }

    def invoke(*arguments: str) -> Result:
        return CliRunner(env=variables).invoke(main, list(arguments))

    return invoke


def test_the_tables_of_all_catalogs_are_listed(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ROOT}/catalogs", {"catalogs": [{"name": "main"}]})
    server.answer(f"GET {_ROOT}/table-summaries", {"tables": [{"full_name": "main.a.t", "table_type": "MANAGED"}]})
    result = run("tables", "list")
    assert result.stdout.splitlines() == ["NAME      TYPE", "main.a.t  MANAGED"]


def test_one_schema_is_asked_for_by_its_exact_name(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ROOT}/table-summaries", {})
    result = run("tables", "list", "main.my_schema")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "catalog_name=main&schema_name_pattern=my%5C_schema" in server.last.path


def test_a_table_is_shown_with_its_version(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ROOT}/tables/main.a.t", _TABLE)
    result = run("tables", "show", "main.a.t")
    assert "version     3" in result.stdout
    assert "columns     x bigint" in result.stdout
    assert "properties  team=risk" in result.stdout
    assert json.loads(run("tables", "show", "main.a.t", "-o", "json").stdout) == _TABLE


def test_a_table_is_registered_by_its_whole_path(server: RestServer, run: Any, tmp_path: Path) -> None:
    server.answer(f"POST {_ROOT}/tables", _TABLE)
    assert run("tables", "register", "main.a.t", str(tmp_path)).exit_code == 0
    assert server.last.body == {
        "catalog_name": "main",
        "schema_name": "a",
        "name": "t",
        "table_type": "EXTERNAL",
        "data_source_format": "DELTA",
        "storage_location": str(tmp_path),
    }
    assert run("tables", "register", "t", str(tmp_path)).exit_code == 2


def test_vacuum_tells_what_went_and_what_had_to_stay(server: RestServer, run: Any) -> None:
    server.answer("POST /api/2.0/pierhead/tables/main.a.t/vacuum", {"files": ["a.parquet"], "pinned_versions": [0, 2]})
    result = run("tables", "vacuum", "main.a.t", "--dry-run", "--retention-hours", "200")
    assert server.last.body == {"dry_run": True, "retention_hours": 200}
    assert result.stdout == "a.parquet\n"
    assert "Would delete 1 files of main.a.t" in result.stderr
    assert "Pinned versions that stay: 0, 2" in result.stderr


def test_catalogs_come_with_their_schemas(server: RestServer, run: Any) -> None:
    catalog = {"name": "main", "full_name": "main", "owner": "", "comment": ""}
    schema = {"name": "a", "full_name": "main.a", "owner": "ada", "comment": "wine"}
    server.answer(f"GET {_ROOT}/catalogs", {"catalogs": [catalog]})
    server.answer(f"GET {_ROOT}/schemas", {"schemas": [schema]})
    assert run("catalogs", "list").stdout.splitlines() == [
        "NAME    OWNER  COMMENT",
        "main    -      -",
        "main.a  ada    wine",
    ]


def test_a_name_with_a_dot_is_a_schema(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_ROOT}/schemas", {})
    server.answer(f"POST {_ROOT}/catalogs", {})
    assert "Created schema main.a" in run("catalogs", "create", "main.a").stderr
    assert server.last.body == {"catalog_name": "main", "name": "a", "comment": ""}
    assert "Created catalog lab" in run("catalogs", "create", "lab", "--comment", "x").stderr
    assert server.last.body == {"name": "lab", "comment": "x"}


def test_deleting_asks_first(server: RestServer, run: Any) -> None:
    server.answer(f"DELETE {_ROOT}/schemas/main.a", {})
    assert run("catalogs", "delete", "main.a").exit_code == 2
    assert run("catalogs", "delete", "main.a", "--force", "--yes").exit_code == 0
    assert server.last.path.endswith("/schemas/main.a?force=true")
