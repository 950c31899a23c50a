"""`pierhead rollouts` and `pierhead abtests` against a fake server: what they send, print and exit with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fakes.rest_server import RestServer
from pierhead.cli.main import main

_ROLLOUTS = "/api/2.0/pierhead/rollouts"
_ABTESTS = "/api/2.0/pierhead/abtests"
_GATE = {
    "name": "errors",
    "verdict": "harmful",
    "message": "too many",
    "estimate": 0.02,
    "lower": 0.0123456,
    "upper": None,
    "margin": 0.005,
    "n_a": 900,
    "n_b": 100,
}
_STEP = {
    "standing": "passed",
    "weight": 0,
    "shadow_rate": 1.0,
    "least_duration_s": 3600.0,
    "least_requests": 1000,
    "max_duration_s": None,
    "gates": ["errors", "latency"],
}
_ROLLOUT = {
    "id": "4f",
    "endpoint": "fraud",
    "config_version": 2,
    "candidate": {"served_entity": "m-2", "model_name": "c.s.m", "model_version": "2", "digest": "d"},
    "champion": "c.s.m version 1 (100%)",
    "status": "running",
    "reason": "",
    "attempt": 1,
    "step": 1,
    "steps": [_STEP, _STEP | {"standing": "current", "weight": 4.9, "shadow_rate": 0.0}],
    "created_by": "ada",
    "created_at": 1000,
    "ended_at": None,
    "ready_at": 1000,
}
_DECISION = {"outcome": "wait", "rule": "requests", "reason": "12 of 1000 requests of the candidate", "gates": [_GATE]}
_LOOK = {"seq": 3, "at": 1000, "step": 1, "outcome": "roll_back", "rule": "errors", "reason": "errors: too many"}
_STATE = {
    "rollout": _ROLLOUT,
    "progress": {"busy_s": 90.0, "least_left_s": 3510.0, "reading": {}, "decision": _DECISION},
    "last_decision": _LOOK | {"outcome": "advance", "gates": []},
}
_OVER = {
    "rollout": _ROLLOUT | {"status": "rolled_back", "reason": "errors: too many", "ended_at": 2000},
    "progress": {"busy_s": 0.0, "least_left_s": 0.0, "reading": {}, "decision": None},
    "last_decision": _LOOK | {"gates": [_GATE]},
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
        return CliRunner(env=variables).invoke(main, [*map(str, arguments)])

    return invoke


def test_start_sends_version_and_steps_and_says_how_to_follow(server: RestServer, run: Any, tmp_path: Path) -> None:
    server.answer(f"POST {_ROLLOUTS}", {"rollout": _ROLLOUT})
    (tmp_path / "steps.yaml").write_text("steps: []\n")
    result = run(*("rollouts", "start", "fraud", "--model", "c.s.m", "--version", 2), "--spec", tmp_path / "steps.yaml")
    assert "pierhead rollouts watch fraud" in result.stderr
    assert "4.9 %" in result.stdout
    entity = {"entity_name": "c.s.m", "entity_version": "2"}
    assert server.last.body == {"endpoint": "fraud", "entity": entity, "spec": "steps: []\n"}


def test_start_without_a_version_takes_the_pending_config(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_ROLLOUTS}", {"rollout": _ROLLOUT})
    run("rollouts", "start", "fraud")
    assert server.last.body == {"endpoint": "fraud"}
    assert run("rollouts", "start", "fraud", "--model", "c.s.m").exit_code == 2


def test_the_list_shows_how_far_each_is(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ROLLOUTS}", {"rollouts": [_ROLLOUT]})
    line = run("rollouts", "list", "--endpoint", "fraud").stdout.splitlines()[1]
    assert "c.s.m/2    running  2 of 2" in line
    assert server.last.path.endswith("?endpoint=fraud")


def test_watch_once_shows_steps_gates_with_numbers_and_the_time_left(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ROLLOUTS}/fraud", _STATE)
    result = run("rollouts", "watch", "fraud", "--once")
    assert result.exit_code == 0
    assert "12 of 1000 requests of the candidate (1m 30s in this step, at least 58m 30s to go)" in result.stdout
    steps = [line.split() for line in result.stdout.splitlines() if line.startswith(("✔", "●"))]
    assert steps[1] == ["●", "2", "4.9", "%", "1m", "30s", "of", "1h", "1000"]
    assert "errors  harmful  0.02  0.01235 .. ∞  0.005   900 / 100  too many" in result.stdout


def test_watch_tells_a_pipe_what_changes_and_fails_with_the_reason(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ROLLOUTS}/fraud", _STATE)
    server.answer(f"GET {_ROLLOUTS}/4f", _STATE, _OVER)
    result = run("rollouts", "watch", "fraud", "--interval", "0.2")
    assert result.stdout.splitlines() == [
        "running, step 2 of 2 (4.9 %): requests",
        "rolled back, step 2 of 2 (4.9 %): errors: too many",
    ]
    assert result.exit_code == 1
    assert "the rollout of c.s.m/2 is rolled back: errors: too many" in result.stderr
    assert "pierhead rollouts explain fraud" in result.stderr


def test_explain_tells_the_last_decision_that_changed_something(server: RestServer, run: Any) -> None:
    looks = [_LOOK | {"seq": 4, "outcome": "wait", "gates": []}, _LOOK | {"gates": [_GATE]}]
    server.answer(f"GET {_ROLLOUTS}/fraud/decisions", {"rollout": _ROLLOUT, "decisions": looks})
    result = run("rollouts", "explain", "fraud")
    assert "step 2 of 2: roll back" in result.stderr
    assert result.stdout.startswith("errors: too many\n")
    assert "0.01235 .. ∞" in result.stdout
    assert "wait" in run("rollouts", "explain", "fraud", "--all").stderr


def test_compare_shows_the_most_different_requests(server: RestServer, run: Any) -> None:
    different = {"request_id": "r1", "champion": "[0.1]", "candidate": "[0.9]", "difference": 0.8}
    reading = {"pairs": {"pairs": 12, "disagreement": {"estimate": 0.25, "lower": 0.1, "upper": 0.5}}}
    step = {"step": 0, "weight": 0, "reading": reading, "most_different": [different, different]}
    server.answer(f"GET {_ROLLOUTS}/fraud/comparison", {"rollout": _ROLLOUT, "steps": [step]})
    lines = run("rollouts", "compare", "fraud", "--most", "1").stdout.splitlines()
    assert lines[0] == "Step 1: shadow, 100 % copied"
    assert "  pairs disagreement: estimate 0.25, lower 0.1, upper 0.5" in lines
    assert lines[-1] == "    r1: [0.1]  [0.9]  (0.8 apart)"


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("pause", "go on with `pierhead rollouts resume fraud`"),
        ("resume", "follow it with"),
        ("promote", "c.s.m/2 gets all the traffic"),
        ("abort", "c.s.m version 1 (100%) has all the traffic"),
        ("retry", "Attempt 1 begins"),
    ],
)
def test_people_act_with_a_reason(server: RestServer, run: Any, action: str, said: str) -> None:
    server.answer(f"POST {_ROLLOUTS}/fraud/{action}", {"rollout": _ROLLOUT})
    flags = ["--yes"] if action == "promote" else []
    result = run("rollouts", action, "fraud", "--reason", "so", *flags)
    assert said in result.stderr
    assert server.last.body == {"reason": "so"}


def test_a_promotion_by_hand_is_asked_about(server: RestServer, run: Any) -> None:
    assert run("rollouts", "promote", "fraud").exit_code == 2
    assert server.asked == []


def test_policies_are_shown_applied_and_listed(server: RestServer, run: Any, tmp_path: Path) -> None:
    policies = "/api/2.0/pierhead/rollout-policies"
    given = {"revision": 1, "digest": "a" * 64, "is_shipped": False, "applied_by": "ada", "applied_at": 1000}
    server.answer(f"GET {policies}", {"policy": given | {"content": "rules: []\n"}})
    assert run("rollouts", "policy", "show", "--revision", 1).stdout == "rules: []\n"
    assert server.last.path.endswith("?revision=1")
    server.answer(f"POST {policies}/apply", {"policy": given, "is_new": True})
    (tmp_path / "p.yaml").write_text("rules: []\n")
    assert "revision 1, decides now" in run("rollouts", "policy", "apply", tmp_path / "p.yaml").stderr
    assert server.last.body == {"content": "rules: []\n"}
    server.answer(f"GET {policies}/history", {"revisions": [given, given | {"revision": 0, "is_shipped": True}]})
    assert "ships with Pierhead" in run("rollouts", "policy", "history").stdout


def test_an_override_says_until_when_it_counts(server: RestServer, run: Any) -> None:
    path = "/api/2.0/pierhead/serving-endpoints/fraud/rollout-overrides"
    server.answer(f"POST {path}", {"override": {"expires_at": 1000}})
    assert "until 1970-01-01 00:00:01Z" in run("rollouts", "override", "fraud", "--reason", "hot fix").stderr
    assert server.last.body == {"reason": "hot fix", "minutes": 15}
    assert run("rollouts", "override", "fraud").exit_code == 2


_ARMS = [
    {"served_entity": "a", "model_name": "c.s.m", "model_version": "1", "weight": 50.0, "is_control": True},
    {"served_entity": "b", "model_name": "c.s.m", "model_version": "2", "weight": 50.0, "is_control": False},
]
_TEST = {
    "id": "7a",
    "name": "which",
    "endpoint": "fraud",
    "status": "running",
    "reason": "",
    "arms": _ARMS,
    "created_by": "ada",
    "created_at": 1000,
    "ended_at": None,
}


def test_an_ab_test_is_created_with_what_was_given_alone(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_ABTESTS}", {"abtest": _TEST})
    result = run("abtests", "create", "which", "--endpoint", "fraud", "--metric", "score", "--units", 500)
    assert "Comparing a (50 %) and b (50 %)" in result.stderr
    assert server.last.body == {
        "name": "which",
        "endpoint": "fraud",
        "metrics": ["score"],
        "alpha": 0.05,
        "units": 500,
        "observe_rate": 1.0,
    }


@pytest.mark.parametrize(("is_mismatched", "words"), [(False, "fits"), (True, "MISMATCH")])
def test_the_report_begins_with_the_sample_ratio(server: RestServer, run: Any, is_mismatched: bool, words: str) -> None:
    counts = {"units": 100, "failures": 1, "score_mean": 0.5, "latency_mean_ms": 5.0, "p99_ms": None}
    finding = {
        "metric": "score",
        "arm": "b",
        "slice": {"column": "city", "value": "bonn"},
        "control_value": 0.5,
        "arm_value": 0.8,
        "difference": 0.3,
        "lower": 0.25,
        "upper": None,
        "p": 0.0001,
        "n_control": 100,
        "n_arm": 100,
        "says": "higher",
    }
    report = {
        "abtest": _TEST,
        "requests": 250,
        "units": 200,
        "strays": 0,
        "sample_ratio": {"p": 0.9, "is_mismatched": is_mismatched, "units": [100, 100], "weights": [50.0, 50.0]},
        "arms": [counts | {"served_entity": "a"}, counts | {"served_entity": "b"}],
        "findings": [finding],
        "bayesian_view": [{"metric": "error_rate", "arm": "b", "probability_better_than_control": 0.5}],
    }
    server.answer(f"GET {_ABTESTS}/which/report", report)
    result = run("abtests", "report", "which")
    lines = result.stdout.splitlines()
    assert lines[3].startswith(f"sample ratio  100 (50 %) : 100 (50 %), p 0.9: {words}")
    assert "score   b    city=bonn  0.5      0.8    0.3         0.25 .. ∞  0.0001  higher" in lines
    assert "For illustration: b fails less often" in result.stderr
    assert json.loads(run("abtests", "report", "which", "-o", "json").stdout) == report


def test_ab_tests_are_listed_and_stopped(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ABTESTS}", {"abtests": [_TEST]})
    assert "which  fraud     running  a, b" in run("abtests", "list").stdout
    server.answer(f"POST {_ABTESTS}/which/stop", {"abtest": _TEST})
    assert "pierhead abtests report which" in run("abtests", "stop", "which", "--reason", "seen").stderr
    assert server.last.body == {"reason": "seen"}
