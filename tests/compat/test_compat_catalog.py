"""Catalogs, tables, volumes and files through the whole platform, with the official client and with raw requests."""

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from harness.platform import Platform


def test_the_official_client_keeps_tables_and_files_in_catalogs(platform: Platform, tmp_path: Path) -> None:
    seen = platform.run_client("catalog.py", str(tmp_path))

    assert {"lab", "main"} <= set(seen["catalogs"])
    assert seen["schema"] == {"team": "risk"}
    assert seen["tables"] == [["ours", "MANAGED"], ["theirs", "EXTERNAL"]]
    assert (seen["columns"], seen["exists"]) == (["bigint"], [True, False])
    root = "/Volumes/plant/trials/files"
    assert seen["listed"] == [f"{root}/in", f"{root}/large"]
    assert (seen["small"], seen["large"], seen["size"]) == ("hello", True, 64 * 1024 * 1024)
    assert seen["refusals"] == {
        "climb": "NotFound",
        "rename over a managed table": "InvalidState",
        "delete what is not empty": "InvalidState",
        "a table around the home": "InvalidParameterValue",
    }
    assert "plant" not in seen["left"]
    assert seen["theirs are still there"] is True


@pytest.mark.parametrize("climb", ["%2e%2e/", "%2e%2e%2f", "..%2f", "%252e%252e/"])
def test_no_path_through_the_public_port_leaves_a_volume(platform: Platform, climb: str) -> None:
    body = {"catalog_name": "main", "schema_name": "default", "name": "climbing", "volume_type": "MANAGED"}
    platform.request("POST", "/api/2.1/unity-catalog/volumes", body)
    for depth in range(6):
        path = f"/api/2.0/fs/files/Volumes/main/default/climbing/{'%2e%2e/' * depth}{climb}secret.key"
        answer = platform.request("GET", path)
        assert answer.status in (400, 404), path
        assert (platform.home / "secret.key").read_bytes() not in answer.body


def test_the_command_line_registers_shows_and_vacuums_a_table(platform: Platform, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "t", pa.table({"x": [1]}))
    assert platform.cli("catalogs", "create", "main.commands").returncode == 0
    registered = platform.cli("tables", "register", "main.commands.t", str(tmp_path / "t"))
    assert registered.returncode == 0, registered.stderr
    assert "main.commands.t" in platform.cli("tables", "list", "main.commands").stdout
    assert "x bigint" in platform.cli("tables", "show", "main.commands.t").stdout
    assert "No version is pinned" in platform.cli("tables", "vacuum", "main.commands.t").stderr
    assert platform.cli("tables", "show", "main.commands.none").returncode == 3
