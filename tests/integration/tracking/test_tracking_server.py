"""MLflow's own server as we start it, behind our door."""

import re
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from harness.http import Answer, request
from integration.tracking.tracking_stack import TOKEN, USER, TrackingStack

DATABRICKS = {"User-Agent": "unknown/0.0.0 databricks-sdk-py/0.156.0 python/3.11.7 os/linux auth/pat"}


def _post(stack: TrackingStack, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
    login = {"Authorization": f"Bearer {TOKEN}"}
    return request(stack.url, "POST", path, body, login | (headers or {}))


def _run(stack: TrackingStack, **fields: object) -> dict[str, Any]:
    answer = _post(stack, "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1, **fields})
    run: dict[str, Any] = answer.json()["run"]
    return run


def test_its_database_takes_writes_beside_reads(stack: TrackingStack) -> None:
    with closing(sqlite3.connect(stack.home.tracking_database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_it_says_what_it_can(stack: TrackingStack) -> None:
    told = stack.ask("GET", "/api/3.0/mlflow/server-info").json()

    assert told["store_type"] == "SqlStore"
    assert told["features_enabled"]["gateway"] is False
    assert re.fullmatch(r"3\.\d+\.\d+", stack.ask("GET", "/version").text)


def test_it_tells_nobody_elsewhere_and_no_browser_to(stack: TrackingStack) -> None:
    assert stack.ask("GET", "/mlflow/ajax-api/3.0/mlflow/ui-telemetry").json()["disable_ui_telemetry"] is True


@pytest.mark.parametrize("prefix", ["/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api"])
def test_all_prefixes_reach_it(stack: TrackingStack, prefix: str) -> None:
    assert stack.ask("GET", f"{prefix}/2.0/mlflow/experiments/get?experiment_id=0").status == 200


def test_a_run_cannot_be_made_in_another_users_name(stack: TrackingStack) -> None:
    run = _run(stack, user_id="eve", tags=[{"key": "mlflow.user", "value": "eve"}, {"key": "kept", "value": "1"}])

    assert run["info"]["user_id"] == USER
    assert {tag["key"]: tag["value"] for tag in run["data"]["tags"]} | {"mlflow.runName": ""} == {
        "mlflow.user": USER,
        "kept": "1",
        "mlflow.runName": "",
    }


@pytest.mark.parametrize("location", ["file:///etc", "/etc", "s3://bucket/x"])
def test_an_experiment_keeps_its_artifacts_here_or_not_at_all(stack: TrackingStack, location: str) -> None:
    answer = _post(stack, "/api/2.0/mlflow/experiments/create", {"name": location, "artifact_location": location})

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_each_family_of_clients_gets_locations_it_can_use(stack: TrackingStack) -> None:
    run = _run(stack)["info"]
    path = f"/api/2.0/mlflow/runs/get?run_id={run['run_id']}"

    for_databricks = stack.ask("GET", path, headers=DATABRICKS).json()["run"]["info"]["artifact_uri"]

    assert run["artifact_uri"] == f"mlflow-artifacts:/0/{run['run_id']}/artifacts"
    assert for_databricks == f"dbfs:/databricks/mlflow-tracking/0/{run['run_id']}/artifacts"
    listed = stack.ask("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run['run_id']}", headers=DATABRICKS)
    assert listed.json() == {"root_uri": for_databricks}


def test_a_long_search_is_rewritten_as_it_streams(stack: TrackingStack) -> None:
    tags = [{"key": f"t{number}", "value": "x" * 4000} for number in range(40)]
    for _ in range(10):
        _run(stack, run_name="long", tags=tags)

    wanted = {"experiment_ids": ["0"], "filter": "attributes.run_name = 'long'", "max_results": 100}
    answer = _post(stack, "/api/2.0/mlflow/runs/search", wanted, DATABRICKS)

    uris = [run["info"]["artifact_uri"] for run in answer.json()["runs"]]
    assert len(answer.body) > 1024 * 1024
    assert len(uris) == 10
    assert all(uri.startswith("dbfs:/databricks/mlflow-tracking/0/") for uri in uris)


def test_its_registry_is_out_of_reach(stack: TrackingStack) -> None:
    for prefix in ("/api", "/ajax-api", "/mlflow/api", "/mlflow/ajax-api"):
        answer = _post(stack, f"{prefix}/2.0/mlflow/registered-models/create", {"name": "sneaky"})
        assert (answer.status, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")

    with closing(sqlite3.connect(stack.home.tracking_database)) as connection:
        assert connection.execute("SELECT count(*) FROM registered_models").fetchone() == (0,)


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow/experiments/%2e%2e/registered-models/create",
        "/api/2.0/mlflow/experiments%2f..%2fregistered-models/create",
        "/api/2.0/mlflow//registered-models/create",
        "/mlflow/static-files/%2e%2e/%2e%2e/handlers.py",
    ],
)
def test_no_detour_leads_around_the_list(stack: TrackingStack, path: str) -> None:
    assert _post(stack, path, {"name": "sneaky"}).status == 404
    assert stack.ask("GET", path).status == 404


def test_what_is_not_offered_is_said_so(stack: TrackingStack) -> None:
    answer = stack.ask("GET", "/ajax-api/3.0/mlflow/gateway/endpoints/list")

    assert (answer.status, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")
    assert stack.ask("GET", "/api/2.0/mlflow-artifacts/presigned/1/x").status == 501


def test_its_refusals_keep_their_code(stack: TrackingStack) -> None:
    answer = stack.ask("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=none")

    assert (answer.status, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_refusals_of_another_shape_get_ours(stack: TrackingStack) -> None:
    unknown = stack.ask("GET", "/mlflow/static-files/no-such-file.js")
    strange = _post(stack, "/v1/traces", {"resourceSpans": []}, {"x-mlflow-experiment-id": "0"})

    assert (unknown.status, unknown.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    assert (strange.status, strange.json()["error_code"]) == (400, "BAD_REQUEST")
    assert "no spans found" in strange.json()["message"]


def test_a_body_that_no_client_sends_is_refused(stack: TrackingStack) -> None:
    for text in (b"[]", b"{"):
        assert _post(stack, "/api/2.0/mlflow/runs/create", text).json()["error_code"] == "BAD_REQUEST"
    for path in ("/api/2.0/mlflow/runs/log-batch", "/api/2.0/mlflow/runs/log-metric", "/v1/traces"):
        too_long = {"Content-Length": str(10**9), "x-mlflow-experiment-id": "0"}
        assert _post(stack, path, b"x", too_long).status == 413


def test_a_body_of_unknown_length_arrives(stack: TrackingStack) -> None:
    run = _run(stack)["info"]["run_id"]
    text = b'{"run_id": "%s", "key": "chunked", "value": "yes"}' % run.encode()
    size = f"{len(text):x}".encode()

    answer = _post(
        stack,
        "/api/2.0/mlflow/runs/set-tag",
        size + b"\r\n" + text + b"\r\n0\r\n\r\n",
        {"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
    )

    assert answer.status == 200
    found = stack.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run}").json()["run"]["data"]["tags"]
    assert {"key": "chunked", "value": "yes"} in found


def test_its_page_and_the_files_of_the_page_are_there(stack: TrackingStack) -> None:
    page = stack.ask("GET", "/mlflow/")
    script = re.search(r'src="(static-files/[^"]+\.js)"', page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert script is not None
    assert stack.ask("GET", f"/mlflow/{script.group(1)}").status == 200
    assert stack.ask("GET", "/mlflow").headers["location"] == "/mlflow/"
    assert stack.ask("GET", "/ml/experiments/1/runs/ab").headers["location"] == "/mlflow/#/experiments/1/runs/ab"
    asked = _post(stack, "/mlflow/graphql", {"query": '{ test(inputString: "x") { output } }'}, {"Origin": stack.url})
    assert "data" in asked.json()


def test_an_artifact_can_be_seen_from_its_page(stack: TrackingStack) -> None:
    run = _run(stack)["info"]["run_id"]
    stack.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/a/note.txt", b"hello")

    shown = stack.ask("GET", f"/mlflow/get-artifact?path=a/note.txt&run_uuid={run}")

    assert (shown.status, shown.body) == (200, b"hello")


def test_nobody_passes_without_a_token(stack: TrackingStack) -> None:
    for path in (
        "/mlflow/",
        "/version",
        "/api/2.0/mlflow/experiments/search?max_results=1",
        "/api/2.0/mlflow-artifacts/artifacts",
    ):
        assert request(stack.url, "GET", path).status == 401


def test_callers_who_give_up_on_a_stuck_server_do_not_use_it_up(stack: TrackingStack) -> None:
    head = f"GET /api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}"
    address = urlsplit(stack.url)
    stack.child.send_signal(signal.SIGSTOP)
    for _ in range(100):
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(head.encode() + b"\r\n\r\n")
    stack.child.send_signal(signal.SIGCONT)

    assert stack.ask("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0").status == 200


def test_a_killed_server_makes_callers_wait_and_fails_none(stack: TrackingStack) -> None:
    answers: list[Answer] = []
    stack.child.kill()
    stack.child.wait(10)
    asking = threading.Thread(
        target=lambda: answers.append(stack.ask("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0"))
    )
    asking.start()
    time.sleep(0.5)
    assert not answers

    stack.start_child()

    asking.join(60)
    assert [answer.status for answer in answers] == [200]
