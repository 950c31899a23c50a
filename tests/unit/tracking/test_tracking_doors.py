"""Which calls reach MLflow's server."""

import pytest

from pierhead.tracking.domain.doors import Verdict, child_path, classify

PREFIXES = ("/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api")


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_is_the_same_door(prefix: str) -> None:
    assert classify("POST", f"{prefix}/2.0/mlflow/runs/create") is Verdict.FORWARD
    assert classify("POST", f"{prefix}/2.0/mlflow/runs/create/") is Verdict.FORWARD
    assert classify("POST", f"{prefix}/2.0/mlflow/model-versions/transition-stage") is Verdict.OURS
    assert classify("GET", f"{prefix}/3.0/mlflow/gateway/secrets/get") is Verdict.REFUSED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.0/mlflow/users/get"),
        ("POST", "/api/2.0/mlflow/webhooks"),
        ("POST", "/api/3.0/mlflow/scorers/register"),
        ("GET", "/ajax-api/3.0/mlflow/assistant/status"),
        ("POST", "/mlflow/ajax-api/3.0/jobs/search"),
        ("GET", "/api/3.0/mlflow/mcp-servers/a/b/c"),
        ("POST", "/mlflow/gateway/mlflow/v1/chat/completions"),
    ],
)
def test_what_mlflow_offers_and_we_do_not_is_said_to_be_missing(method: str, path: str) -> None:
    assert classify(method, path) is Verdict.REFUSED


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow/experiments/../registered-models/create",
        "/api/2.0/mlflow//runs/create",
        "/api/2.0/mlflow/runs/./create",
        "/api/2.0/mlflow/runs\\create",
        "/api/2.0/mlflow/runs/create\0",
        "/api/2.0/mlflow/RUNS/create",
        "/mlflow/static-files/../../secrets",
        "/api/api/2.0/mlflow/runs/create",
        "/mlflow/mlflow/api/2.0/mlflow/runs/create",
        "/api/2.0/mlflow/a-call-of-next-year",
        "/",
    ],
)
def test_what_is_not_on_the_list_does_not_exist(path: str) -> None:
    assert classify("POST", path) is Verdict.UNKNOWN


def test_the_method_counts() -> None:
    assert classify("HEAD", "/api/2.0/mlflow/runs/get") is Verdict.FORWARD
    assert classify("DELETE", "/api/2.0/mlflow/runs/get") is Verdict.UNKNOWN
    assert classify("POST", "/mlflow/static-files/main.js") is Verdict.UNKNOWN


def test_the_page_and_its_files_pass() -> None:
    for path in ("/mlflow/", "/mlflow/static-files/static/js/main.js", "/mlflow/get-artifact", "/mlflow/graphql"):
        assert classify("GET", path) is Verdict.FORWARD


def test_the_server_finds_every_call_under_its_own_prefix() -> None:
    assert child_path("/ajax-api/2.0/mlflow/runs/get") == "/mlflow/ajax-api/2.0/mlflow/runs/get"
    assert child_path("/mlflow/ajax-api/2.0/mlflow/runs/get") == "/mlflow/ajax-api/2.0/mlflow/runs/get"
    assert child_path("/v1/traces") == "/mlflow/v1/traces"
