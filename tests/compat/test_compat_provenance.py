"""From a run of the official clients to a record of what the version was trained on."""

import subprocess
from typing import Any

import pytest

from harness.commands import PIERHEAD
from harness.platform import Platform

_NAME = "main.lineage.classifier"


def _lineage(platform: Platform, version: str) -> Any:
    answer = platform.request("GET", f"/api/2.0/pierhead/models/{_NAME}/versions/{version}/lineage")
    assert answer.status == 200, answer.text
    return answer.json()["lineage"]


@pytest.mark.parametrize("door", ["http", "databricks", "databricks-uc"])
def test_two_lines_after_the_model_complete_the_record_with_version_0(platform: Platform, door: str) -> None:
    told = platform.run_client("provenance.py", str(platform.home / "tables"), "0", door=door)

    found = _lineage(platform, told["version"])

    (given,) = found["inputs"]
    assert (found["provenance"]["state"], found["run"]) == ("COMPLETE", {"run_id": told["run"], "user": "admin"})
    assert (given["table"], given["version"], given["rows"]) == ("main.lineage.training", 0, 3)
    assert given["is_pinned"]
    assert "scikit-learn" in found["environment"]["files"]["requirements.txt"]
    assert found["provenance"]["record_sha256"] == found["provenance"]["digest"]


def test_the_commands_tell_where_a_version_comes_from_and_what_rebuilds_its_data(platform: Platform) -> None:
    told = platform.run_client("provenance.py", str(platform.home / "tables"), "1")
    without = platform.run_client("provenance.py", str(platform.home / "tables"), "none")

    shown = _command(platform, "lineage", told["version"])
    recipe = _command(platform, "reproduce", told["version"])
    refused = _command(platform, "reproduce", without["version"])

    assert "main.lineage.training version 1, 6 rows, pinned" in shown.stdout
    program = recipe.stdout.partition("<<'PYTHON'\n")[2].partition("\nPYTHON\n")[0]
    assert (recipe.returncode, "version=1).to_pandas()" in program) == (0, True)
    compile(program, "recipe", "exec")
    assert refused.returncode == 5
    assert "is PENDING" in refused.stderr


def _command(platform: Platform, name: str, version: str) -> "subprocess.CompletedProcess[str]":
    command = [str(PIERHEAD), "models", name, _NAME, version, "--home", str(platform.home)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)
