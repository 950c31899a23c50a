"""What a caller may not make MLflow's server do, tried on the real one."""

import gzip
import json
import socket
import sqlite3
import uuid
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from harness.http import Answer
from integration.tracking.tracking_stack import TOKEN, USER, TrackingStack

LOCATION_TAG = "mlflow.artifactLocation"
SPANS = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}


def _send(stack: TrackingStack, method: str, path: str, body: Any) -> Answer:
    return stack.ask(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _post(stack: TrackingStack, path: str, body: Any) -> Answer:
    return _send(stack, "POST", f"/api/{path}", body)


def _run(stack: TrackingStack, **fields: Any) -> dict[str, Any]:
    run: dict[str, Any] = _post(stack, "2.0/mlflow/runs/create", {"experiment_id": "0", **fields}).json()["run"]
    return run


def _spans(attributes: Mapping[str, str]) -> tuple[str, bytes]:
    """The id of the trace, and a body with its only span."""
    request = ExportTraceServiceRequest()
    id = uuid.uuid4()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="ask", start_time_unix_nano=1)
    span.trace_id, span.span_id, span.end_time_unix_nano = id.bytes, id.bytes[:8], 2
    for key, value in attributes.items():
        span.attributes.add(key=key).value.string_value = value
    return f"tr-{id.hex}", request.SerializeToString()


def _trace(stack: TrackingStack) -> str:
    id, body = _spans({})
    assert stack.ask("POST", "/v1/traces", body, SPANS).status == 200
    return id


def _tags(stack: TrackingStack, trace: str) -> dict[str, str]:
    with closing(sqlite3.connect(stack.home.tracking_database)) as connection:
        return dict(connection.execute("SELECT key, value FROM trace_tags WHERE request_id = ?", (trace,)).fetchall())


@pytest.mark.parametrize("field", ["artifact_location", "artifactLocation"])
@pytest.mark.parametrize("location", ["file:///tmp/x", "s3://bucket/x"])
def test_no_spelling_moves_an_experiment_elsewhere(stack: TrackingStack, field: str, location: str) -> None:
    answer = _post(stack, "2.0/mlflow/experiments/create", {"name": f"{field} {location}", field: location})

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_no_spelling_makes_a_run_in_another_users_name(stack: TrackingStack) -> None:
    run = _run(stack, userId="eve", startTime=7, runName="camel")["info"]

    assert (run["user_id"], run["start_time"], run["run_name"]) == (USER, 7, "camel")


def test_a_runs_user_cannot_be_changed_later(stack: TrackingStack) -> None:
    run = _run(stack)["info"]["run_id"]
    eve, ada = ({"key": "mlflow.user", "value": name} for name in ("eve", USER))

    for path, body in (("set-tag", eve), ("log-batch", {"tags": [eve]}), ("delete-tag", {"key": "mlflow.user"})):
        answer = _post(stack, f"2.0/mlflow/runs/{path}", {"run_id": run, **body})
        assert (answer.status, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")
    assert _post(stack, "2.0/mlflow/runs/set-tag", {"run_id": run, **ada}).status == 200
    metrics = [{"key": "auc", "value": "NaN", "timestamp": 2**53 + 1, "step": 0}]
    assert _post(stack, "2.0/mlflow/runs/log-batch", {"run_id": run, "tags": [ada], "metrics": metrics}).status == 200

    data = stack.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run}").json()["run"]["data"]
    assert ada in data["tags"]
    assert [(metric["key"], metric["timestamp"]) for metric in data["metrics"]] == [("auc", 2**53 + 1)]


def test_no_call_says_where_the_server_reads_a_trace(stack: TrackingStack, tmp_path: Path) -> None:
    (tmp_path / "traces.json").write_text('{"spans": "secret"}')
    location = tmp_path.as_uri()
    tag = {"key": LOCATION_TAG, "value": location}
    trace = _trace(stack)
    before = _tags(stack, trace)
    new = {
        "trace_id": f"tr-{uuid.uuid4().hex}",
        "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-31T12:00:00Z",
        "state": "OK",
    }
    assert _post(stack, "3.0/mlflow/traces", {"trace": {"trace_info": new}}).status == 200

    for version in ("2.0", "3.0"):
        for prefix in ("/api", "/mlflow/ajax-api"):
            path = f"{prefix}/{version}/mlflow/traces/{trace}/tags"
            assert _send(stack, "PATCH", path, tag).status == 400
    assert _send(stack, "PATCH", f"/api/2.0/mlflow/traces/{trace}", {"status": "OK", "tags": [tag]}).status == 400
    assert _post(stack, "2.0/mlflow/traces", {"experiment_id": "0", "timestamp_ms": 1, "tags": [tag]}).status == 400
    for name in ("trace_info", "traceInfo"):
        info = {**new, "trace_id": f"tr-{uuid.uuid4().hex}", "tags": {LOCATION_TAG: location}}
        assert _post(stack, "3.0/mlflow/traces", {"trace": {name: info}}).status == 400
        info = {**new, "trace_id": "../../../.." + str(tmp_path) + "#"}
        assert _post(stack, "3.0/mlflow/traces", {"trace": {name: info}}).status == 400

    assert _tags(stack, trace) == before
    shown = stack.ask("GET", f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={trace}")
    assert b"secret" not in shown.body


def test_a_tag_in_another_alphabet_of_json_is_the_same_tag(stack: TrackingStack) -> None:
    trace = _trace(stack)
    path = f"/api/3.0/mlflow/traces/{trace}/tags"
    escaped = rb'{"key": "mlflow.artifact\u004cocation", "value": "file:///etc"}'
    wide = json.dumps({"key": LOCATION_TAG, "value": "file:///etc"}).encode("utf-16")
    doubled = json.dumps(json.dumps({"key": LOCATION_TAG, "value": "file:///etc"})).encode()

    for body in (escaped, wide, doubled):
        assert stack.ask("PATCH", path, body, {"Content-Type": "application/json"}).status == 400
    assert _tags(stack, trace)[LOCATION_TAG].startswith("mlflow-artifacts:/")


def test_an_older_client_may_send_back_the_tags_that_it_was_given(stack: TrackingStack) -> None:
    started = _post(stack, "2.0/mlflow/traces", {"experiment_id": "0", "timestamp_ms": 1}).json()["trace_info"]
    ended = {"status": "OK", "timestamp_ms": 5, "tags": [*started["tags"], {"key": "team", "value": "risk"}]}

    assert _send(stack, "PATCH", f"/api/2.0/mlflow/traces/{started['request_id']}", ended).status == 200

    tags = _tags(stack, started["request_id"])
    assert tags["team"] == "risk"
    assert {tag["key"]: tag["value"] for tag in started["tags"]}.items() <= tags.items()


@pytest.mark.parametrize("key", [LOCATION_TAG, "mlflow.trace.spansLocation", "mlflow.trace.archiveLocation"])
def test_spans_do_not_say_it_either(stack: TrackingStack, key: str) -> None:
    trace, body = _spans({f"mlflow.traceTag.{key}": "file:///etc", "mlflow.traceTag.team": "risk"})
    written = json.dumps(
        {
            "resourceSpans": [
                {
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": trace.removeprefix("tr-"),
                                    "spanId": "ab" * 8,
                                    "name": "ask",
                                    "startTimeUnixNano": "1",
                                    "endTimeUnixNano": "2",
                                    "attributes": [
                                        {"key": f"mlflow.traceTag.{key}", "value": {"stringValue": "file:///etc"}}
                                    ],
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    ).replace("traceTag", r"trace\u0054ag")
    for_json = {**SPANS, "Content-Type": "application/json"}

    for answer in (
        stack.ask("POST", "/v1/traces", body, SPANS),
        stack.ask("POST", "/mlflow/v1/traces", body, SPANS),
        stack.ask("POST", "/v1/traces", gzip.compress(body), {**SPANS, "Content-Encoding": "gzip"}),
        stack.ask("POST", "/v1/traces", written.encode(), for_json),
    ):
        assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert _tags(stack, trace) == {}
    allowed = written.replace(f"ag.{key}", "ag.team").encode()
    assert stack.ask("POST", "/v1/traces", allowed, for_json).status == 200
    assert _tags(stack, trace)["team"] == "file:///etc"


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_spans_are_kept(stack: TrackingStack, encoding: str, compress: Any) -> None:
    trace, body = _spans({"mlflow.traceTag.team": "risk"})

    assert stack.ask("POST", "/v1/traces", compress(body), {**SPANS, "Content-Encoding": encoding}).status == 200

    assert _tags(stack, trace)["team"] == "risk"


def test_a_bomb_of_spans_goes_off_nowhere(stack: TrackingStack) -> None:
    bomb = gzip.compress(bytes(400 * 1024 * 1024), 1)
    before = _peak_rss_bytes(stack.child.pid)
    own = stack.forget_peak()

    for content_type in ("application/x-protobuf", "application/json"):
        headers = {**SPANS, "Content-Type": content_type, "Content-Encoding": "gzip"}
        assert stack.ask("POST", "/v1/traces", bomb, headers).status == 413

    assert _peak_rss_bytes(stack.child.pid) - before < 200 * 1024 * 1024
    assert stack.peak_rss_bytes() - own < 200 * 1024 * 1024


def test_other_bodies_are_not_compressed(stack: TrackingStack) -> None:
    body = gzip.compress(b'{"run_id": "x", "key": "a", "value": "b"}')
    json_headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    for path in ("/api/2.0/mlflow/runs/set-tag", "/api/2.0/mlflow/runs/log-metric", "/mlflow/graphql"):
        answer = stack.ask("POST", path, body, json_headers)
        assert (answer.status, answer.json()["error_code"]) == (415, "BAD_REQUEST")
    assert stack.ask("POST", "/v1/traces", body, {**SPANS, "Content-Encoding": "br"}).status == 415


@pytest.mark.parametrize("call", ["runs/create", "runs/log-metric"])
def test_a_caller_who_hangs_up_leaves_no_alarm(stack: TrackingStack, call: str) -> None:
    head = (
        f"POST /api/2.0/mlflow/{call} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"experiment_id":'
    )
    address = urlsplit(stack.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(head.encode())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass

    assert stack.ask("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0").status == 200
    assert "Traceback" not in (stack.home.logs / "app.log").read_text()


def test_deep_json_is_refused(stack: TrackingStack) -> None:
    deep = b'{"tags": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    assert stack.ask("POST", "/api/3.0/mlflow/traces", deep).json()["error_code"] == "BAD_REQUEST"


def _peak_rss_bytes(process_id: int) -> int:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel does not tell VmHWM")
