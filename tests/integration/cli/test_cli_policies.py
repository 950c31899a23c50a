"""`pierhead policies` against a fake server: what it sends, prints and exits with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fakes.rest_server import RestServer
from pierhead.cli.main import main

_POLICIES = "/api/2.0/pierhead/policies"
_DEFAULT = {"name": "default", "revision": 1, "digest": "d" * 64, "is_in_use": True, "is_shipped": True}
_ACME = {
    "name": "acme",
    "revision": 2,
    "digest": "a" * 64,
    "is_in_use": False,
    "is_shipped": False,
    "applied_by": "ada",
    "applied_at": 1000,
}
_TEXT = "name: acme\npolicies:\n- {name: all, match: {models: ['main.*'], stages: [Production]}}\n"
_CLOSED = {
    "name": "c.s.m",
    "version": "3",
    "to": "Production",
    "user": "sam",
    "decision": "closed",
    "policy": "default/production@1",
    "conditions": [
        {"code": "permission", "message": "sam has it", "outcome": "met", "is_check": False},
        {"code": "signature", "message": "the model has no signature", "outcome": "unmet", "is_check": True},
    ],
    "approvers": ["ml-leads"],
    "remedy": "ask for approval: pierhead models request c.s.m 3 --to Production",
    "notes": [],
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

    def invoke(*arguments: object) -> Result:
        return CliRunner(env=variables).invoke(main, ["policies", *map(str, arguments)])

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(_TEXT)
    return path


def test_the_list_marks_the_set_that_decides(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_POLICIES}", {"policies": [_DEFAULT, _ACME], "in_use": {"name": "default"}})
    lines = run("list").stdout.splitlines()
    assert lines[1].split()[:3] == ["default", "yes", "1"]
    assert "1970-01-01 00:00:01Z" in lines[2]


def test_show_prints_the_yaml_alone_on_standard_output(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_POLICIES}/get", {"policies": _ACME | {"content": _TEXT}})
    result = run("show", "acme", "--revision", "2")
    assert result.stdout == _TEXT
    assert "not in use; next: pierhead policies use acme" in result.stderr
    assert server.last.path.endswith("?name=acme&revision=2")


def test_history_shows_revisions_and_choices(server: RestServer, run: Any) -> None:
    choice = {"name": "solo", "chosen_by": "ada", "chosen_at": 1000}
    server.answer(f"GET {_POLICIES}/history", {"revisions": [_ACME], "choices": [choice]})
    result = run("history", "acme")
    assert "acme" in result.stdout
    assert "solo    1970-01-01 00:00:01Z  ada" in result.stdout


def test_use_says_what_decides_now(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_POLICIES}/use", {"policies": _ACME, "in_use": {"name": "acme"}})
    assert "Policies acme, revision 2, decide now" in run("use", "acme").stderr
    assert server.last.body == {"name": "acme"}


@pytest.mark.parametrize(("is_new", "said"), [(True, "is new"), (False, "nothing changed")])
def test_apply_sends_the_text_and_says_whether_it_is_new(
    server: RestServer, run: Any, file: Path, is_new: bool, said: str
) -> None:
    server.answer(f"POST {_POLICIES}/apply", {"policies": _ACME, "is_new": is_new, "missing_groups": ["risk"]})
    result = run("apply", file)
    assert said in result.stderr
    assert "next: pierhead policies use acme" in result.stderr
    assert "group risk does not exist" in result.stderr
    assert server.last.body == {"content": _TEXT}


def test_validate_needs_no_server(run: Any, file: Path, server: RestServer) -> None:
    result = run("validate", file)
    assert result.exit_code == 0
    assert "holds the set acme with 1 policies: all" in result.stderr
    assert run("validate", file, "--model", "main.a.b").stdout == "main.a.b to Production: all\n"
    assert run("validate", file, "--model", "x", "--to", "@champion").stdout.endswith("none: rights alone decide\n")
    assert server.asked == []


def test_validate_tells_everything_that_is_wrong(run: Any, file: Path) -> None:
    file.write_text("name: acme\npolicies:\n- name: all\n  mode: maybe\n")
    result = run("validate", file)
    assert result.exit_code == 2
    assert "policies[0].mode (line 4)" in result.stderr
    assert "policies[0] (line 3): 'match' is missing" in result.stderr


def test_a_trial_of_a_closed_gate_lists_conditions_and_exits_with_10(server: RestServer, run: Any, file: Path) -> None:
    server.answer(f"POST {_POLICIES}/test", _CLOSED)
    result = run("test", "c.s.m", "3", "--to", "production", "--as", "sam", "--file", file)
    assert result.exit_code == 10
    assert "signature   unmet    the model has no signature" in result.stdout
    assert "Next:  ask for approval: pierhead models request c.s.m 3 --to Production" in result.stderr
    assert server.last.body == {"name": "c.s.m", "version": "3", "to": "production", "user": "sam", "content": _TEXT}


def test_a_trial_of_an_open_gate_exits_with_0(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_POLICIES}/test", _CLOSED | {"decision": "open", "notes": ["solo warns"], "remedy": ""})
    result = run("test", "c.s.m", "3", "--endpoint", "fraud", "--tag", "environment=production", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["decision"] == "open"
    assert server.last.body["endpoint_tags"] == {"environment": "production"}


@pytest.mark.parametrize(
    "words", [("--endpoint", "e", "--to", "Production"), ("--endpoint", "e", "--tag", "environment")]
)
def test_words_that_do_not_fit_are_refused(run: Any, words: tuple[str, ...]) -> None:
    assert run("test", "c.s.m", "3", *words).exit_code == 2


_ASKS = """name: acme
policies:
- name: all
  match: {models: ['main.*'], stages: [Production]}
  checks:
  - external: {name: change-mgmt, max_age: 1d}
  - external: {name: legal, max_age: 1d}
"""


def test_apply_warns_of_external_checks_that_nobody_can_ask(server: RestServer, run: Any, tmp_path: Path) -> None:
    server.answer(
        f"POST {_POLICIES}/apply", {"policies": _ACME, "is_new": True, "missing_external_checks": ["change-mgmt"]}
    )
    (tmp_path / "acme.yaml").write_text(_ASKS)
    result = run("apply", tmp_path / "acme.yaml")

    assert result.exit_code == 0
    assert "nobody can ask the external check change-mgmt, so that it always says no" in result.stderr


def test_validate_warns_of_external_checks_that_this_home_does_not_know(run: Any, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(_ASKS)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/external-checks.toml").write_text('[legal]\nurl = "https://legal.example.com"\nsecret = "s"\n')
    result = run("validate", tmp_path / "acme.yaml")

    assert result.exit_code == 0
    assert "external check change-mgmt" in result.stderr
    assert "legal" not in result.stderr


def test_validate_takes_an_entry_without_a_secret_for_none(run: Any, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(_ASKS)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/external-checks.toml").write_text('[legal]\nurl = "https://legal.example.com"\n')

    assert "external check legal" in run("validate", tmp_path / "acme.yaml").stderr
