"""The commands around the gate, against a fake server: what they send, print and exit with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fakes.rest_server import RestServer
from pierhead.cli.main import main

_VERSION = "/api/2.0/pierhead/models/c.s.m/versions/3"
_REQUESTS = "/api/2.0/mlflow/transition-requests"
_OPEN = {
    "decision": "open",
    "policy": "default/production@1",
    "conditions": [{"code": "signature", "message": "there is one", "outcome": "met"}],
    "notes": [],
    "approvers": [],
    "remedy": "",
}
_CLOSED = {
    "decision": "closed",
    "policy": "default/production@1",
    "conditions": [
        {"code": "approver_group", "message": "only group ml-leads may approve this", "outcome": "unmet"},
        {"code": "signature", "message": "there is one", "outcome": "met"},
    ],
    "notes": [],
    "approvers": ["ml-leads"],
    "remedy": "ask for approval: pierhead models request c.s.m 3 --to Production",
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
        return CliRunner(env=variables).invoke(main, ["models", *arguments])

    return invoke


def test_a_dry_run_lists_conditions_and_who_could_help(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_VERSION}/promotion", _CLOSED)

    result = run("promote", "c.s.m", "3", "--dry-run")

    assert result.exit_code == 10
    assert [line.split() for line in result.stdout.splitlines()][1][:2] == ["NO", "approver_group"]
    assert "Who could approve: group ml-leads" in result.stderr
    assert "pierhead models request c.s.m 3 --to Production" in result.stderr
    assert all(asked.method == "GET" for asked in server.asked)


def test_a_dry_run_before_an_open_gate_ends_well(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_VERSION}/promotion", _OPEN)

    assert run("promote", "c.s.m", "3", "--dry-run").exit_code == 0
    result = run("promote", "c.s.m", "3", "--dry-run", "-o", "json")
    assert json.loads(result.stdout) == _OPEN


def test_a_promotion_takes_the_place_of_what_was_there_unless_told_otherwise(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_VERSION}/promote", {"decision": "applied", "to": "Production", "message": "policy p"})

    assert run("promote", "c.s.m", "3", "--comment", "ship it").exit_code == 0
    assert server.last.body == {"to": "Production", "comment": "ship it", "archive_existing_versions": True}
    run("promote", "c.s.m", "3", "--to", "production", "--keep-others")
    assert server.last.body["archive_existing_versions"] is False
    run("promote", "c.s.m", "3", "--to", "@champion", "--break-glass", "customers wait")
    assert server.last.body == {"to": "@champion", "comment": "", "break_glass_reason": "customers wait"}


def test_a_closed_gate_has_an_exit_code_of_its_own(server: RestServer, run: Any) -> None:
    server.refuse(f"POST {_VERSION}/promote", 403, "PERMISSION_DENIED", "version 3 cannot go:\n  - signature: none")
    server.answer(f"GET {_VERSION}/promotion", _CLOSED)

    result = run("promote", "c.s.m", "3")

    assert result.exit_code == 10
    assert "- signature: none" in result.stderr


def test_a_missing_right_to_read_is_no_closed_gate(server: RestServer, run: Any) -> None:
    for call in (f"POST {_VERSION}/promote", f"GET {_VERSION}/promotion"):
        server.refuse(call, 403, "PERMISSION_DENIED", "you may not read it")

    assert run("promote", "c.s.m", "3").exit_code == 4


def test_an_approval_that_is_not_the_last_is_not_done(server: RestServer, run: Any) -> None:
    counted = {"decision": "counted", "to": "Production", "message": "counted, 1 more"}
    server.answer(f"POST {_VERSION}/promote", counted)

    result = run("promote", "c.s.m", "3")

    assert (result.exit_code, "1 more" in result.stderr) == (10, True)


def test_a_request_is_made_and_taken_back(server: RestServer, run: Any) -> None:
    asked = {"to_stage": "Production", "system_comment": "not met today: signature", "expiration_timestamp": 1000}
    server.answer(f"POST {_REQUESTS}/create", {"request": asked})
    result = run("request", "c.s.m", "3", "--comment", "please")
    assert result.exit_code == 0, result.output
    assert server.last.body == {"name": "c.s.m", "version": "3", "stage": "Production", "comment": "please"}
    assert "not met today: signature" in result.stderr

    server.answer("GET /api/2.0/preview/scim/v2/Me", {"userName": "sam"})
    server.answer(f"DELETE {_REQUESTS}/delete", {"activity": {}})
    assert run("request", "c.s.m", "3", "--cancel").exit_code == 0
    assert "creator=sam" in server.last.path


def test_approving_and_rejecting_go_through_the_sdk_s_calls(server: RestServer, run: Any) -> None:
    applied = {"activity_type": "APPLIED_TRANSITION", "to_stage": "Production"}
    server.answer(f"POST {_REQUESTS}/approve", {"activity": applied})
    result = run("approve", "c.s.m", "3")
    assert result.exit_code == 0
    assert server.last.body["archive_existing_versions"] is True
    assert "at Production now" in result.stderr

    server.answer(f"POST {_REQUESTS}/reject", {"activity": {"to_stage": "Production"}})
    assert run("reject", "c.s.m", "3", "--comment", "no").exit_code == 0
    assert server.last.body["comment"] == "no"


def test_what_waits_is_listed(server: RestServer, run: Any) -> None:
    row = {
        "name": "c.s.m",
        "version": "3",
        "to": "Production",
        "user_id": "sam",
        "creation_timestamp": 1000,
        "approvals": ["lea"],
        "comment": "please",
    }
    server.answer("GET /api/2.0/pierhead/transition-requests", {"requests": [row]}, {"requests": []})

    assert run("requests").stdout.splitlines()[1].split()[:4] == ["c.s.m", "3", "Production", "sam"]
    result = run("requests", "c.s.m")
    assert server.last.path.endswith("?name=c.s.m")
    assert "Nothing waits" in result.stderr


def test_history_says_who_asked_and_approved_on_what_evidence(server: RestServer, run: Any) -> None:
    chapter = {
        "version": "3",
        "place": "Production",
        "since": 1000,
        "moved_by": "lea",
        "policy": "default/production@1",
        "notes": [],
        "subject_digest": "d" * 64,
        "requested": {"user_id": "sam", "timestamp": 500, "comment": "please"},
        "approvals": [{"user_id": "lea", "timestamp": 1000, "comment": "fine"}],
        "evidence": {
            "files_digest": "f" * 64,
            "has_signature": True,
            "provenance": "COMPLETE",
            "provenance_digest": "p" * 64,
            "evaluations": [{"metric": "auc", "value": 0.9, "dataset": "holdout"}],
            "scan": {"files_scanned": 3, "dangers": []},
            "reports": {},
        },
    }
    server.answer("GET /api/2.0/pierhead/models/c.s.m/history", {"history": [chapter]})

    told = run("history", "c.s.m", "--at", "2026-03-31").stdout
    for part in ("sam at 1970-01-01 00:00:00Z (please)", "lea at 1970-01-01 00:00:01Z (fine)", "auc=0.9 on holdout"):
        assert part in told
    assert "at=2026-03-31" in server.last.path
    listed = run("history", "c.s.m").stdout.splitlines()
    assert listed[1].split()[0] == "3"


def test_emergencies_are_listed_and_reviewed(server: RestServer, run: Any) -> None:
    glass = {"reason": "customers wait", "review_by": ["ml-leads"], "review_due": 2000}
    row = {
        "id": "e1",
        "name": "c.s.m",
        "version": "3",
        "place": "Production",
        "moved_by": "ann",
        "since": 1000,
        "break_glass": glass,
    }
    server.answer("GET /api/2.0/pierhead/break-glass", {"promotions": [row]})
    server.answer("POST /api/2.0/pierhead/break-glass/e1/review", {"promotion": row})

    assert "customers wait" in run("emergencies").stdout
    assert run("review", "e1", "--comment", "was needed").exit_code == 0
    assert server.last.body == {"comment": "was needed"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["c.s.m"], "Missing argument 'VERSION'"),
        (["c.s.m", "latest"], "'latest' is no version; give its number"),
        (["c.s.m", "-1"], "No such option"),
        (["c.s.m", "1.0"], "'1.0' is no version"),
        (["c.s.m", ""], "'' is no version"),
        (["c.s.m", "3/../4"], "is no version"),
        (
            ["c.s.m", "3", "--to", "prod"],
            "'prod' is no stage (None, Staging, Production, Archived); for an alias write '@prod'",
        ),
        (["c.s.m", "3", "--to", "@"], "alias"),
    ],
)
def test_odd_arguments_are_refused_before_anything_is_sent(
    server: RestServer, run: Any, arguments: list[str], told: str
) -> None:
    for command in ("promote", "request", "approve", "reject"):
        result = run(command, *arguments)

        assert result.exit_code == 2
        assert told in " ".join(result.stderr.replace("│", " ").split())
    assert server.asked == []
