"""Who gets through which door: one table, tried with the official clients against a running platform."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.platform import Platform

MAKING_LIVE = (
    "transition, OSS",
    "transition, workspace",
    "transition, SDK",
    "transition, page",
    "transition, page under /mlflow",
    "approval",
    "alias, OSS",
    "alias, UC 2.0",
    "alias, UC 2.1",
    "alias, page",
    "own API",
    "gated endpoint",
)
TAKING_AWAY = ("archive", "delete alias", "delete version", "delete model", "rename")
ACTORS = ("anonymous", "reader", "scientist", "scientist's service principal", "admin", "lead")
"""The scientist is the author of every version. The service principal is in ml-leads, and the scientist's own."""


@dataclass(frozen=True)
class Cell:
    actor: str
    door: str
    state: str

    @property
    def model(self) -> str:
        """One of its own, if this moves it; who is refused leaves a model to the next one as it was."""
        words = (f"{self.actor} {self.door} {self.state}" if self.passes else f"shut {self.state}").lower()
        return "main.matrix." + "".join(letter if letter.isalnum() else "_" for letter in words)

    @property
    def passes(self) -> bool:
        if self.door in TAKING_AWAY:
            # It takes no second person: what is wrong must be able to go, also by who made it.
            is_lead = self.actor in ("lead", "scientist's service principal")
            return is_lead and (self.door in ("archive", "delete alias") or self.actor == "lead")
        if self.actor != "lead":
            return False
        if self.door == "approval":
            return self.state == "requested"
        # An endpoint in production serves what is in Production, whoever asks.
        return self.door not in ("gated endpoint", "reserved tag")


def cells() -> Iterator[Cell]:
    for actor in ACTORS:
        for door in (*MAKING_LIVE, "reserved tag"):
            for state in ("no request", "requested", "rejected"):
                yield Cell(actor, door, state)
        for door in TAKING_AWAY:
            yield Cell(actor, door, "live")


@pytest.fixture(scope="module")
def outcomes(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> dict[Cell, str]:
    folder = tmp_path_factory.mktemp("matrix")
    for user, group in (("matrix-reader", None), ("matrix-scientist", "data-scientists"), ("matrix-lead", "ml-leads")):
        made = platform.cli("users", "create", user, *(["--group", group] if group else []))
        assert made.returncode == 0, made.stderr
    robot = ("service-principals", "create", "matrix-robot", "--owner", "matrix-scientist", "--group", "ml-leads")
    made = platform.cli(*robot)
    assert made.returncode == 0, made.stderr

    all_cells = list(cells())
    states = {cell.model: cell.state for cell in all_cells}
    # Who is no manager of a model neither deletes nor renames it, whatever the gate says.
    listed = _write(
        folder / "all.json",
        [
            {"model": model, "state": state, "manager": "matrix-lead" if state == "live" else None}
            for model, state in states.items()
        ],
    )
    assert platform.run_client("gate_setup.py", listed, user="matrix-scientist") == len(states)
    _prepare(platform, folder, states)

    found: dict[Cell, str] = {}
    users = {
        "reader": "matrix-reader",
        "scientist": "matrix-scientist",
        "scientist's service principal": "matrix-robot",
        "admin": None,
        "lead": "matrix-lead",
    }
    for actor, user in users.items():
        mine = [cell for cell in all_cells if cell.actor == actor]
        path = _write(folder / "cells.json", [{"model": cell.model, "door": cell.door} for cell in mine])
        found.update(zip(mine, platform.run_client("gate_doors.py", path, user=user), strict=True))
    nobody = [cell for cell in all_cells if cell.actor == "anonymous"]
    path = _write(folder / "cells.json", [{"model": cell.model, "door": cell.door} for cell in nobody])
    stranger = {"DATABRICKS_TOKEN": "phd_unknown", "MLFLOW_TRACKING_TOKEN": "phd_unknown"}
    found.update(zip(nobody, platform.run_client("gate_doors.py", path, variables=stranger), strict=True))
    return found


def _prepare(platform: Platform, folder: Path, states: dict[str, str]) -> None:
    """Bring models into the states that only a lead can make."""
    live = [{"model": model, "door": "transition, OSS"} for model, state in states.items() if state == "live"]
    made = platform.run_client("gate_doors.py", _write(folder / "live.json", live), user="matrix-lead")
    assert set(made) == {""}
    lead = {"Authorization": f"Bearer {platform.exports('matrix-lead')['DATABRICKS_TOKEN']}"}
    for model, state in states.items():
        if state == "rejected":
            body = {"name": model, "version": "1", "stage": "Production"}
            answer = platform.request("POST", "/api/2.0/mlflow/transition-requests/reject", body, lead)
            assert answer.status == 200, answer.text


def _write(path: Path, value: Any) -> str:
    path.write_text(json.dumps(value))
    return str(path)


def test_only_the_right_cells_of_the_matrix_pass(outcomes: dict[Cell, str]) -> None:
    wrong = {cell: code for cell, code in outcomes.items() if (code == "") != cell.passes}

    assert wrong == {}
    assert len(outcomes) == len(list(cells()))


def test_refusals_say_what_kind_they_are(outcomes: dict[Cell, str]) -> None:
    codes = {cell.actor: set() for cell in outcomes}
    for cell, code in outcomes.items():
        if code and cell.door not in ("approval", "gated endpoint"):
            codes[cell.actor].add(code)

    assert codes["anonymous"] == {"UNAUTHENTICATED"}
    for actor in ("reader", "scientist", "scientist's service principal", "admin", "lead"):
        assert codes[actor] == {"PERMISSION_DENIED"}, shlex.quote(actor)
