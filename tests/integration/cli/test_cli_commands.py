"""The commands against a fake server: what they send, print and exit with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fakes.rest_server import RestServer
from pierhead.cli.main import main

_ENDPOINTS = "/api/2.0/serving-endpoints"
_ENTITY = {"name": "m-1", "entity_name": "c.s.m", "entity_version": "1", "workload_size": "Medium"}
_READY = {
    "name": "fraud",
    "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
    "config": {"served_entities": [_ENTITY]},
}
_UPDATING = {"name": "fraud", "state": {"ready": "NOT_READY", "config_update": "IN_PROGRESS"}}


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

    def invoke(*arguments: str, stdin: str | None = None, **changed: str | None) -> Result:
        return CliRunner(env=variables | changed).invoke(main, list(arguments), input=stdin)

    return invoke


def test_a_listing_is_one_body_however_many_pages_there_are(server: RestServer, run: Any) -> None:
    first = {"registered_models": [{"name": "c.s.a"}], "next_page_token": "2"}
    server.answer("GET /api/2.0/mlflow/registered-models/search", first, {"registered_models": [{"name": "c.s.b"}]})
    result = run("models", "list", "-o", "json")
    assert json.loads(result.stdout) == {"registered_models": [{"name": "c.s.a"}, {"name": "c.s.b"}]}
    assert "page_token=2" in server.last.path
    assert server.last.token == "phd_x"


def test_an_empty_list_says_how_to_fill_it_on_standard_error_only(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ENDPOINTS}", {})
    result = run("endpoints", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "pierhead endpoints create" in result.stderr


def test_create_sends_the_config_and_the_inference_table(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_ENDPOINTS}", _READY)
    words = ("--model", "c.s.m", "--version", "3", "--size", "Small", "--capture", "main.logs.fraud")
    result = run("endpoints", "create", "fraud", *words, "-o", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == _READY
    served = {
        "entity_name": "c.s.m",
        "entity_version": "3",
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }
    capture = {"catalog_name": "main", "schema_name": "logs", "table_name_prefix": "fraud", "enabled": True}
    assert server.last.body == {
        "name": "fraud",
        "config": {"served_entities": [served], "auto_capture_config": capture},
    }


def test_update_keeps_the_size_that_is_served_now(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ENDPOINTS}/fraud", _READY)
    server.answer(f"PUT {_ENDPOINTS}/fraud/config", _UPDATING)
    assert run("endpoints", "update", "fraud", "--model", "c.s.m", "--version", "2").exit_code == 0
    assert server.last.body["served_entities"][0]["workload_size"] == "Medium"
    assert server.last.body["served_entities"][0]["entity_version"] == "2"


def test_update_keeps_what_it_is_not_asked_to_change(server: RestServer, run: Any) -> None:
    entity = _ENTITY | {"environment_vars": {"A": "1"}, "state": {"deployment": "DEPLOYMENT_READY"}}
    traffic = {"routes": [{"served_entity_name": "m-1", "traffic_percentage": 100}]}
    config = {"config_version": 1, "served_entities": [entity], "traffic_config": traffic}
    server.answer(f"GET {_ENDPOINTS}/fraud", _READY | {"config": config})
    server.answer(f"PUT {_ENDPOINTS}/fraud/config", _UPDATING)
    assert run("endpoints", "update", "fraud", "--model", "c.s.m", "--version", "2").exit_code == 0
    changed = _ENTITY | {"entity_version": "2", "environment_vars": {"A": "1"}}
    assert server.last.body == {"served_entities": [changed], "traffic_config": traffic}


def test_update_to_a_model_that_is_not_served_asks_for_a_file(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ENDPOINTS}/fraud", _READY)
    result = run("endpoints", "update", "fraud", "--model", "c.s.other", "--version", "2")
    assert result.exit_code == 5
    assert "serves no c.s.other" in result.stderr
    assert "--file" in result.stderr
    assert server.last.method == "GET"


def test_update_takes_a_file(server: RestServer, run: Any, tmp_path: Path) -> None:
    server.answer(f"PUT {_ENDPOINTS}/fraud/config", _UPDATING)
    file = tmp_path / "config.yaml"
    file.write_text("config:\n  served_models:\n  - model_name: c.s.m\n    model_version: '3'\n")
    assert run("endpoints", "update", "fraud", "--file", str(file)).exit_code == 0
    assert server.last.body == {"served_models": [{"model_name": "c.s.m", "model_version": "3"}]}


def test_create_with_wait_returns_the_ready_endpoint(server: RestServer, run: Any) -> None:
    server.answer(f"POST {_ENDPOINTS}", _UPDATING)
    server.answer(f"GET {_ENDPOINTS}/fraud", _UPDATING, _READY)
    result = run("endpoints", "create", "fraud", "--model", "c.s.m", "--version", "1", "--wait", "-o", "json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == _READY
    assert "NOT_READY, IN_PROGRESS" in result.stderr


def test_a_wait_that_runs_out_is_exit_code_6(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ENDPOINTS}/fraud", _UPDATING)
    result = run("endpoints", "wait", "fraud", "--timeout", "0")
    assert result.exit_code == 6
    assert "endpoint 'fraud' is not ready after 0 s" in result.stderr
    assert "Next:  pierhead endpoints events fraud" in result.stderr


def test_a_wait_for_a_failed_endpoint_is_exit_code_1_with_the_way_to_the_logs(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ENDPOINTS}/fraud", {"state": {"ready": "NOT_READY", "config_update": "UPDATE_FAILED"}})
    result = run("endpoints", "wait", "fraud")
    assert result.exit_code == 1
    assert "pierhead endpoints logs fraud --build" in result.stderr


@pytest.mark.parametrize(
    ("status", "error_code", "exit_code"),
    [
        (400, "INVALID_PARAMETER_VALUE", 1),
        (404, "RESOURCE_DOES_NOT_EXIST", 3),
        (401, "UNAUTHENTICATED", 4),
        (403, "PERMISSION_DENIED", 4),
        (400, "RESOURCE_ALREADY_EXISTS", 5),
        (409, "RESOURCE_CONFLICT", 5),
        (400, "INVALID_STATE", 5),
        (503, "TEMPORARILY_UNAVAILABLE", 7),
        (500, "INTERNAL_ERROR", 1),
    ],
)
def test_each_refusal_has_its_exit_code(
    server: RestServer, run: Any, status: int, error_code: str, exit_code: int
) -> None:
    server.refuse(f"GET {_ENDPOINTS}/fraud", status, error_code, "endpoint 'fraud': the reason")
    result = run("endpoints", "get", "fraud")
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert f"Error: endpoint 'fraud': the reason [{error_code}]" in result.stderr


def test_a_server_that_does_not_answer_is_exit_code_7(run: Any) -> None:
    result = run("endpoints", "list", DATABRICKS_HOST="http://127.0.0.1:9")
    assert result.exit_code == 7
    assert "http://127.0.0.1:9 does not answer" in result.stderr


def test_wrong_usage_is_exit_code_2(run: Any) -> None:
    assert run("endpoints", "create", "fraud").exit_code == 2
    assert run("endpoints", "create", "fraud", "--model", "m", "--version", "1", "--file", "x").exit_code == 2
    assert run("endpoints", "query", "fraud", "--data", "{").exit_code == 2
    assert run("endpoints", "list", "-o", "xml").exit_code == 2
    assert run("nonsense").exit_code == 2


def test_query_sends_a_file_and_prints_the_answer(server: RestServer, run: Any, tmp_path: Path) -> None:
    server.answer("POST /serving-endpoints/fraud/invocations", {"predictions": [0.5]})
    (tmp_path / "rows.json").write_text('{"dataframe_records": [{"a": 1}]}')
    result = run("endpoints", "query", "fraud", "--data", f"@{tmp_path / 'rows.json'}")
    assert json.loads(result.stdout) == {"predictions": [0.5]}
    assert server.last.body == {"dataframe_records": [{"a": 1}]}


def test_query_reads_standard_input(server: RestServer, run: Any) -> None:
    server.answer("POST /serving-endpoints/fraud/invocations", {"predictions": []})
    assert run("endpoints", "query", "fraud", "--data", "@-", stdin='{"inputs": [1]}').exit_code == 0
    assert server.last.body == {"inputs": [1]}


def test_logs_come_from_the_served_entity(server: RestServer, run: Any) -> None:
    server.answer(f"GET {_ENDPOINTS}/fraud", _READY)
    server.answer(f"GET {_ENDPOINTS}/fraud/served-models/m-1/build-logs", {"logs": "resolved 3 packages\n"})
    assert run("endpoints", "logs", "fraud", "--build").stdout == "resolved 3 packages\n"


def test_after_a_failed_update_the_logs_are_of_what_failed(server: RestServer, run: Any) -> None:
    failed = {"name": "m-2", "entity_name": "c.s.m", "state": {"deployment": "DEPLOYMENT_FAILED"}}
    state = {"ready": "READY", "config_update": "UPDATE_FAILED"}
    server.answer(f"GET {_ENDPOINTS}/fraud", _READY | {"state": state, "pending_config": {"served_entities": [failed]}})
    server.answer(f"GET {_ENDPOINTS}/fraud/served-models/m-2/logs", {"logs": "no module named x\n"})
    server.answer(f"GET {_ENDPOINTS}/fraud/served-models/m-1/logs", {"logs": "all is well\n"})
    assert run("endpoints", "logs", "fraud").stdout == "no module named x\n"
    assert run("endpoints", "logs", "fraud", "--entity", "m-1").stdout == "all is well\n"
    waited = run("endpoints", "wait", "fraud")
    assert "pierhead endpoints logs fraud --entity m-2 --build" in waited.stderr


def test_events_are_read_from_our_own_call(server: RestServer, run: Any) -> None:
    events = {"events": [{"time_ms": 1000, "kind": "ready", "message": "config 1 is active"}]}
    server.answer("GET /api/2.0/pierhead/serving-endpoints/fraud/events", events)
    assert run("endpoints", "events", "fraud").stdout.splitlines()[1] == (
        "1970-01-01 00:00:01Z  ready  config 1 is active"
    )


def test_deleting_needs_a_yes(server: RestServer, run: Any) -> None:
    server.answer(f"DELETE {_ENDPOINTS}/fraud", {})
    refused = run("endpoints", "delete", "fraud", stdin="n\n")
    assert refused.exit_code != 0
    assert server.asked == []
    assert run("endpoints", "delete", "fraud", "--yes").exit_code == 0
    assert server.last.method == "DELETE"


@pytest.mark.parametrize(
    "words", [("endpoints", "delete", "e"), ("models", "delete", "m"), ("versions", "delete", "m", "1")]
)
def test_a_deletion_that_nobody_can_confirm_asks_for_the_flag(
    server: RestServer, run: Any, words: tuple[str, ...]
) -> None:
    refused = run(*words)
    assert refused.exit_code == 2
    assert "give --yes" in refused.stderr
    assert server.asked == []


def test_a_stage_is_changed_through_mlflows_own_call(server: RestServer, run: Any) -> None:
    version = {"model_version": {"name": "c.s.m", "version": "3", "current_stage": "Production"}}
    server.answer("POST /api/2.0/mlflow/model-versions/transition-stage", version)
    result = run("versions", "transition", "c.s.m", "3", "production", "--archive-existing")
    assert result.exit_code == 0, result.output
    expected = {"name": "c.s.m", "version": "3", "stage": "Production", "archive_existing_versions": True}
    assert server.last.body == expected


def test_an_alias_is_set_and_removed(server: RestServer, run: Any) -> None:
    server.answer("POST /api/2.0/mlflow/registered-models/alias", {})
    server.answer("DELETE /api/2.0/mlflow/registered-models/alias", {})
    assert run("models", "alias", "c.s.m", "champion", "3").exit_code == 0
    assert server.last.body == {"name": "c.s.m", "alias": "champion", "version": "3"}
    assert run("models", "alias", "c.s.m", "champion", "--delete").exit_code == 0
    assert server.last.body == {"name": "c.s.m", "alias": "champion"}
    assert run("models", "alias", "c.s.m", "champion").exit_code == 2


def test_login_writes_a_private_profile_that_commands_and_sdk_can_use(
    server: RestServer, run: Any, tmp_path: Path
) -> None:
    server.answer("GET /api/2.0/preview/scim/v2/Me", {"userName": "admin"})
    server.answer(f"GET {_ENDPOINTS}", {"endpoints": [_READY]})
    config = tmp_path / "cfg"
    config.write_text("[DEFAULT]\nhost = https://work\n")
    assert run("login", "--host", server.url, "--token", "phd_y").exit_code == 0
    assert config.stat().st_mode & 0o777 == 0o600
    assert "[DEFAULT]\nhost = https://work\n" in config.read_text()
    result = run("endpoints", "list", "-p", "pierhead")
    assert result.exit_code == 0, result.output
    assert "fraud" in result.stdout
    assert server.last.token == "phd_y"


def test_login_refuses_a_token_that_the_server_refuses(server: RestServer, run: Any, tmp_path: Path) -> None:
    server.refuse("GET /api/2.0/preview/scim/v2/Me", 401, "UNAUTHENTICATED", "unknown token")
    assert run("login", "--host", server.url, "--token", "phd_z").exit_code == 4
    assert not (tmp_path / "cfg").exists()


def test_without_any_server_named_the_command_says_how_to_name_one(run: Any) -> None:
    result = run("endpoints", "list", DATABRICKS_HOST=None, DATABRICKS_TOKEN=None)
    assert result.exit_code == 7
    assert "pierhead up" in result.stderr
    assert run("endpoints", "list", "-p", "nobody").exit_code == 1


@pytest.mark.parametrize("host", ["http://[::1", "http://h:port", "ftp://h", "http://"])
def test_a_host_that_cannot_be_one_is_a_usage_error_that_names_it(run: Any, host: str) -> None:
    for result in (run("endpoints", "list", DATABRICKS_HOST=host), run("login", "--host", host, "--token", "x")):
        assert result.exit_code == 2, result.exception
        assert f"Error: '{host}' is not the address of a server" in result.stderr


def test_an_empty_home_is_refused_and_does_not_mean_the_current_folder(run: Any) -> None:
    result = run("env", "--home", "")
    assert result.exit_code == 2
    assert "it is empty" in result.stderr
