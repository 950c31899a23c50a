"""Ids that hide: what was checked is what MLflow's server reads."""

import json
from typing import Any

import pytest

from harness.http import Answer
from integration.tracking.private_experiment import SOURCE, Experiment, make, rows, send, trace_info, write_spans
from integration.tracking.tracking_stack import TrackingStack

METRIC = {"key": "auc", "value": 9, "timestamp": 9, "step": 9}
TAG = {"key": "word", "value": "stolen"}


@pytest.fixture(scope="module")
def secret(stack: TrackingStack) -> Experiment:
    return make(stack, "good")


@pytest.fixture(scope="module")
def own(stack: TrackingStack) -> Experiment:
    return make(stack, "mallory")


def _filled(value: Any, secret: Experiment, own: Experiment) -> Any:
    """`<run>` is the secret one, `<own run>` mallory's."""
    for experiment, prefix in ((own, "own "), (secret, "")):
        for field in ("name", "id", "run", "model", "trace", "assessment", "dataset"):
            value = value.replace(f"<{prefix}{field}>", getattr(experiment, field))
    return value


def _try(stack: TrackingStack, call: str, text: str) -> Answer:
    method, path = call.split(" ")
    return send(stack, method, f"/ajax-api/{path}", text.encode(), by="mallory")


REFUSED = [
    ("POST 2.0/mlflow/runs/set-tag", {"run_id": "<own run>", "runId": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"runId": "<own run>", "run_id": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"runId": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"run_uuid": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"run_id": "<own run>", "run_uuid": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"run_id": "", "runUuid": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"run_id": None, "run_uuid": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"run_id": ["<run>"], **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"run_id": {"run_id": "<run>"}, **TAG}),
    ("POST 2.0/mlflow/runs/set-tag", {"Run_Id": "<run>", **TAG}),
    ("POST 2.0/mlflow/runs/log-metric", {"run_id": "<own run>", "model_id": "<model>", **METRIC}),
    ("POST 2.0/mlflow/runs/log-metric", {"run_id": "<own run>", "modelId": "<model>", **METRIC}),
    ("POST 2.0/mlflow/runs/log-batch", {"run_id": "<own run>", "metrics": [METRIC, {**METRIC, "modelId": "<model>"}]}),
    ("POST 2.0/mlflow/runs/log-batch", {"runId": "<run>", "tags": [TAG]}),
    ("POST 2.0/mlflow/runs/log-inputs", {"run_id": "<own run>", "models": [{"modelId": "<model>"}]}),
    ("POST 2.0/mlflow/runs/outputs", {"run_id": "<own run>", "models": [{"modelId": "<model>", "step": 0}]}),
    ("POST 2.0/mlflow/runs/create", {"experimentId": "<id>"}),
    ("POST 2.0/mlflow/runs/create", {"experiment_id": "<own id>", "experimentId": "<id>"}),
    ("POST 2.0/mlflow/runs/create", {"experiment_id": "0<id>"}),
    ("POST 2.0/mlflow/runs/create", {"experiment_id": " <id>"}),
    ("POST 2.0/mlflow/runs/create", {"experiment_id": "+<id>"}),
    ("POST 2.0/mlflow/runs/search", {"experimentIds": ["<id>"]}),
    ("POST 2.0/mlflow/runs/search", {"experiment_ids": ["<own id>", "<id>"]}),
    ("POST 2.0/mlflow/runs/search", {"experiment_ids": ["<own id>"], "experimentIds": ["<id>"]}),
    ("POST 2.0/mlflow/runs/search", {"experiment_ids": "<id>"}),
    ("POST 2.0/mlflow/experiments/search-datasets", {"experimentIds": ["<id>"]}),
    ("POST 2.0/mlflow/experiments/set-experiment-tag", {"experimentId": "<id>", **TAG}),
    ("POST 2.0/mlflow/logged-models", {"experiment_id": "<own id>", "source_run_id": "<run>"}),
    ("POST 2.0/mlflow/logged-models", {"experiment_id": "<own id>", "sourceRunId": "<run>"}),
    ("PATCH 2.0/mlflow/logged-models/<own model>", {"model_id": "<model>", "status": 3}),
    ("PATCH 2.0/mlflow/logged-models/<own model>", {"modelId": "<model>", "status": 3}),
    ("POST 2.0/mlflow/logged-models/search", {"experiment_ids": ["<own id>", "<id>"]}),
    ("POST 3.0/mlflow/traces", {"trace": {"trace_info": trace_info("<trace>", "<own id>")}}),
    ("POST 3.0/mlflow/traces", {"trace": {"traceInfo": trace_info("<trace>", "<own id>")}}),
    (
        "POST 3.0/mlflow/traces",
        {
            "trace": {
                "trace_info": trace_info("<own trace>", "<own id>"),
                "traceInfo": trace_info("<trace>", "<own id>"),
            }
        },
    ),
    (
        "POST 3.0/mlflow/traces",
        {"trace": {"trace_info": {"trace_id": "<trace>", "request_time": "2026-01-31T12:00:00Z"}}},
    ),
    (
        "POST 3.0/mlflow/traces",
        {
            "trace": {
                "trace_info": trace_info(
                    "<own trace>",
                    "<own id>",
                    assessments=[
                        {
                            "assessmentId": "<assessment>",
                            "assessment_name": "x",
                            "feedback": {"value": False},
                            "source": SOURCE,
                            "create_time": "2026-01-31T12:00:00Z",
                            "last_update_time": "2026-01-31T12:00:00Z",
                        }
                    ],
                )
            }
        },
    ),
    ("POST 3.0/mlflow/traces/search", {"locations": [{"mlflowExperiment": {"experimentId": "<id>"}}]}),
    (
        "POST 3.0/mlflow/traces/search",
        {
            "locations": [
                {"mlflow_experiment": {"experiment_id": "<own id>"}},
                {"mlflow_experiment": {"experimentId": "<id>"}},
            ]
        },
    ),
    (
        "POST 3.0/mlflow/traces/search",
        {
            "locations": [
                {"mlflow_experiment": {"experiment_id": "<own id>"}, "mlflowExperiment": {"experiment_id": "<id>"}}
            ]
        },
    ),
    ("POST 3.0/mlflow/traces/search", {"locations": [{"inference_table": {"full_table_name": "a.b.c"}}]}),
    ("POST 3.0/mlflow/traces/search", {"locations": []}),
    ("POST 3.0/mlflow/traces/metrics", {"experiment_ids": [], "view_type": "TRACES"}),
    ("POST 3.0/mlflow/traces/batchGetInfos", {"traceIds": ["<trace>"]}),
    ("POST 3.0/mlflow/traces/batchGetInfos", {"trace_ids": ["<own trace>", "<trace>"]}),
    ("POST 2.0/mlflow/traces/link-to-run", {"run_id": "<own run>", "trace_ids": ["<trace>"]}),
    ("POST 2.0/mlflow/traces/link-to-run", {"run_id": "<own run>", "traceIds": ["<trace>"]}),
    ("POST 2.0/mlflow/traces/link-to-run", {"runId": "<run>", "trace_ids": ["<own trace>"]}),
    ("POST 2.0/mlflow/traces", {"experimentId": "<id>", "timestamp_ms": 1}),
    ("POST 2.0/mlflow/traces/delete-traces", {"experimentId": "<id>", "max_traces": 5, "max_timestamp_millis": 10**14}),
    ("POST 3.0/mlflow/datasets/create", {"name": "x", "experimentIds": ["<id>"]}),
    ("POST 3.0/mlflow/datasets/create", {"name": "x"}),
    ("POST 3.0/mlflow/datasets/<own dataset>/add-experiments", {"experimentIds": ["<id>"]}),
    ("POST 3.0/mlflow/datasets/search", {"experimentIds": ["<id>"]}),
]


@pytest.mark.parametrize(("call", "body"), REFUSED)
def test_no_spelling_hides_an_id(
    stack: TrackingStack, secret: Experiment, own: Experiment, call: str, body: dict[str, Any]
) -> None:
    before = rows(stack)

    answer = _try(stack, _filled(call, secret, own), _filled(json.dumps(body), secret, own))

    assert answer.status in (400, 403), answer.text
    assert not [word for word in secret.secrets if word in answer.body]
    assert rows(stack) == before


@pytest.mark.parametrize("id", [7, 7.0, True, None, [], {}, "", "7.0", "7e0", "0x7", "٧", "７", "7_0", "-7", "9" * 19])
def test_an_experiment_is_named_by_a_string_of_digits(stack: TrackingStack, id: object) -> None:
    body = json.dumps({"experiment_id": id, "key": "a", "value": "b"})

    answer = _try(stack, "POST 2.0/mlflow/experiments/set-experiment-tag", body)

    assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_of_a_key_that_comes_twice_the_last_counts_for_us_and_for_mlflow(
    stack: TrackingStack, secret: Experiment, own: Experiment
) -> None:
    text = '{"run_id": "%s", "run_id": "%s", "key": "twice", "value": "yes"}'

    assert _try(stack, "POST 2.0/mlflow/runs/set-tag", text % (own.run, secret.run)).status == 403
    before = [row for row in rows(stack) if secret.run in row]
    assert _try(stack, "POST 2.0/mlflow/runs/set-tag", text % (secret.run, own.run)).status == 200
    assert [row for row in rows(stack) if secret.run in row] == before


def test_a_query_beside_a_body_says_nothing(stack: TrackingStack, secret: Experiment, own: Experiment) -> None:
    path = f"/api/2.0/mlflow/runs/set-tag?run_id={secret.run}&run_uuid={secret.run}"
    before = [row for row in rows(stack) if secret.run in row]

    assert send(stack, "POST", path, {"run_id": own.run, **TAG}, by="mallory").status == 200
    assert send(stack, "POST", path, TAG, by="mallory").status == 400
    assert [row for row in rows(stack) if secret.run in row] == before


def test_a_body_beside_a_query_says_nothing(stack: TrackingStack, secret: Experiment, own: Experiment) -> None:
    path, body = "/api/2.0/mlflow/runs/get", {"run_id": secret.run}

    with_query = send(stack, "GET", f"{path}?run_id={own.run}", body, by="mallory")
    assert with_query.json()["run"]["info"]["run_id"] == own.run
    for query in ("", "?run_id=", "?x=1"):
        assert send(stack, "GET", path + query, body, by="mallory").status == 400
    assert (
        send(stack, "GET", "/api/2.0/mlflow/experiments/get", {"experiment_id": secret.id}, by="mallory").status == 400
    )


@pytest.mark.parametrize(
    "query",
    [
        "run_id=<own run>&run_id=<run>",
        "run_id=<run>&run_id=<own run>",
        "run_id=<own run>&run_uuid=<run>",
        "run_uuid=<run>",
        "run_id=&run_uuid=<run>",
        "run%5Fid=<run>",
        "run_id=<own run>&run%5fid=<run>",
    ],
)
def test_a_query_names_one_run(stack: TrackingStack, secret: Experiment, own: Experiment, query: str) -> None:
    for path in ("/api/2.0/mlflow/runs/get?", "/mlflow/get-artifact?path=note.txt&"):
        answer = stack.ask("GET", path + _filled(query, secret, own), by="mallory")

        assert answer.status in (400, 403)
        assert secret.word.encode() not in answer.body


def test_several_runs_of_one_query_are_all_asked_for(stack: TrackingStack, secret: Experiment, own: Experiment) -> None:
    base = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    for path in (
        f"{base}?metric_key=auc&run_id={own.run}&run_id={secret.run}",
        f"{base}-interval?metric_key=auc&run_ids={own.run}&run_ids={secret.run}",
    ):
        assert stack.ask("GET", path, by="mallory").status == 403
    mine = stack.ask("GET", f"{base}?metric_key=auc&run_id={own.run}&run_id={own.run}", by="mallory")
    assert mine.json()["metrics"]


def test_what_is_searched_beside_what_is_gone_is_found(stack: TrackingStack, own: Experiment) -> None:
    """Searches in experiments that do not exist find nothing there, as with MLflow."""
    body = {"experiment_ids": ["123456", own.id]}

    found = send(stack, "POST", "/api/2.0/mlflow/runs/search", body, by="mallory").json()
    none = send(stack, "POST", "/api/2.0/mlflow/runs/search", {"experiment_ids": ["123456"]}, by="mallory")

    assert [run["info"]["run_id"] for run in found["runs"]] == [own.run]
    assert (none.status, none.json()) == (200, {})


def test_what_does_not_exist_is_not_there_for_anybody(stack: TrackingStack) -> None:
    for by in ("good", "mallory", "eve", "root"):
        for method, path, body in (
            ("GET", "2.0/mlflow/runs/get?run_id=nope", None),
            ("GET", "2.0/mlflow/experiments/get?experiment_id=123456", None),
            ("GET", "2.0/mlflow/experiments/get-by-name?experiment_name=nope", None),
            ("POST", "2.0/mlflow/runs/set-tag", {"run_id": "nope", **TAG}),
            ("GET", "2.0/mlflow/logged-models/m-nope", None),
            ("GET", "3.0/mlflow/traces/tr-nope", None),
            ("GET", "3.0/mlflow/datasets/d-nope", None),
        ):
            answer = send(stack, method, f"/api/{path}", body, by=by)
            assert (answer.status, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), path


def test_a_header_names_one_experiment(stack: TrackingStack, secret: Experiment, own: Experiment) -> None:
    before = rows(stack)

    for experiment in ("", " ", f"{own.id},{secret.id}", f"0{secret.id}", f"{secret.id}.0"):
        assert write_spans(stack, experiment, [own.trace], "mallory").status in (400, 403)
    assert rows(stack) == before


@pytest.mark.parametrize(
    "unreadable",
    ['"run_name": 5', '"run_name": "\\ud800"', '"start_time": "x"', '"start_time": {}', '"tags": [{"key": 5}]'],
)
def test_a_field_that_mlflow_cannot_read_hides_neither_the_experiment_nor_the_user(
    stack: TrackingStack, own: Experiment, unreadable: str
) -> None:
    """It would take its default experiment, and a run of nobody."""
    for text in (f'{{{unreadable}, "experiment_id": "{own.id}"}}', f'{{"experiment_id": "{own.id}", {unreadable}}}'):
        answer = _try(stack, "POST 2.0/mlflow/runs/create", text)
        if answer.status == 200:
            run = answer.json()["run"]
            assert (run["info"]["experiment_id"], run["info"]["user_id"]) == (own.id, "mallory")
            assert {"key": "mlflow.user", "value": "mallory"} in run["data"]["tags"]


def test_no_path_leads_from_one_run_to_another(stack: TrackingStack, secret: Experiment, own: Experiment) -> None:
    for up in ("../../..", "%2e%2e/%2e%2e/%2e%2e", "..%2f..%2f..", "%252e%252e/%252e%252e/%252e%252e", "/"):
        place = f"{up}/{secret.id}/{secret.run}/artifacts"
        for path in (
            f"/mlflow/get-artifact?run_id={own.run}&path={place}/note.txt",
            f"/api/2.0/mlflow/artifacts/list?run_id={own.run}&path={place}",
            f"/api/2.0/mlflow/logged-models/{own.model}/artifacts/directories?artifact_directory_path={place}",
            f"/ajax-api/2.0/mlflow/logged-models/{own.model}/artifacts/files?artifact_file_path={place}/note.txt",
            f"/api/2.0/mlflow/get-trace-artifact?request_id={own.trace}&path={place}/note.txt",
            f"/api/2.0/mlflow-artifacts/artifacts/{own.id}/{own.run}/{place}/note.txt",
            f"/api/2.0/mlflow-artifacts/artifacts?path={own.id}/{own.run}/artifacts/{place}",
        ):
            answer = stack.ask("GET", path, by="mallory")
            assert secret.word.encode() not in answer.body, path
            assert b"note.txt" not in answer.body or answer.status >= 400, path
