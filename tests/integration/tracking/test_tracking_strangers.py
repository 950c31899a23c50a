"""Who has no right to an experiment neither reads nor changes it, through any call that is let through."""

from typing import Any

import pytest

from integration.tracking.private_experiment import SOURCE, Experiment, files, make, rows, send, trace_info, write_spans
from integration.tracking.tracking_stack import TrackingStack
from pierhead.identity.domain.objects import Action
from pierhead.kit.web.routes import MLFLOW_PREFIXES
from pierhead.tracking.domain.doors import Rule, doors

_STARTED = {"trace": {"trace_info": trace_info("tr-" + "ab" * 16, "<id>")}}
_METRIC = {"key": "auc", "value": 1, "timestamp": 2, "step": 1}
_MODEL_JSON = '{"run_id": "<run>", "artifact_path": "m", "utc_time_created": "2026-01-31 12:00:00", "flavors": {}}'
_TAG = {"key": "word", "value": "open"}
_ASSESSMENT = {"assessment": {"assessment_name": "x", "feedback": {"value": False}, "source": SOURCE}}
_METRICS = {"view_type": "TRACES", "metric_name": "trace_count", "aggregations": [{"aggregation_type": "COUNT"}]}
_FILTERS = {"filter_string1": "status = 'OK'", "filter_string2": "status = 'OK'"}

# In an order in which their owner can make them all.
CALLS: list[tuple[str, str, Any]] = [
    ("GET", "2.0/mlflow/experiments/get?experiment_id=<id>", None),
    ("GET", "2.0/mlflow/experiments/get-by-name?experiment_name=<name>", None),
    ("GET", "2.0/mlflow/experiments/search?max_results=100", None),
    ("POST", "2.0/mlflow/experiments/search", {"max_results": 100}),
    ("POST", "2.0/mlflow/experiments/search-datasets", {"experiment_ids": ["<id>"]}),
    ("POST", "2.0mlflow/experiments/search-datasets", {"experiment_ids": ["<id>"]}),
    ("POST", "2.0/mlflow/experiments/set-experiment-tag", {"experiment_id": "<id>", **_TAG}),
    ("POST", "2.0/mlflow/experiments/delete-experiment-tag", {"experiment_id": "<id>", "key": "word"}),
    ("POST", "2.0/mlflow/experiments/delete", {"experiment_id": "<id>"}),
    ("POST", "2.0/mlflow/experiments/restore", {"experiment_id": "<id>"}),
    ("POST", "2.0/mlflow/runs/create", {"experiment_id": "<id>"}),
    ("GET", "2.0/mlflow/runs/get?run_id=<run>", None),
    ("POST", "2.0/mlflow/runs/search", {"experiment_ids": ["<id>"]}),
    ("POST", "2.0/mlflow/runs/delete", {"run_id": "<run>"}),
    ("POST", "2.0/mlflow/runs/restore", {"run_id": "<run>"}),
    ("POST", "2.0/mlflow/runs/update", {"run_id": "<run>", "run_name": "open"}),
    ("POST", "2.0/mlflow/runs/log-batch", {"run_id": "<run>", "metrics": [_METRIC]}),
    ("POST", "2.0/mlflow/runs/log-inputs", {"run_id": "<run>", "models": [{"model_id": "<model>"}]}),
    ("POST", "2.0/mlflow/runs/log-metric", {"run_id": "<run>", "run_uuid": "<run>", **_METRIC, "step": 2}),
    ("POST", "2.0/mlflow/runs/log-model", {"run_id": "<run>", "model_json": _MODEL_JSON}),
    ("POST", "2.0/mlflow/runs/log-parameter", {"run_id": "<run>", "key": "p", "value": "1"}),
    ("POST", "2.0/mlflow/runs/outputs", {"run_id": "<run>", "models": [{"model_id": "<model>", "step": 0}]}),
    ("POST", "2.0/mlflow/runs/set-tag", {"run_id": "<run>", **_TAG}),
    ("POST", "2.0/mlflow/runs/delete-tag", {"run_id": "<run>", "key": "word"}),
    ("GET", "2.0/mlflow/metrics/get-history?run_id=<run>&metric_key=auc", None),
    ("GET", "2.0/mlflow/metrics/get-history-bulk?run_id=<run>&metric_key=auc", None),
    ("GET", "2.0/mlflow/metrics/get-history-bulk-interval?run_ids=<run>&metric_key=auc", None),
    ("GET", "2.0/mlflow/artifacts/list?run_id=<run>", None),
    ("POST", "2.0/mlflow/logged-models", {"experiment_id": "<id>", "name": "more"}),
    ("POST", "2.0/mlflow/logged-models/search", {"experiment_ids": ["<id>"]}),
    ("GET", "2.0/mlflow/logged-models/<model>", None),
    (
        "POST",
        "2.0/mlflow/logged-models/<model>/params",
        {"model_id": "<model>", "params": [{"key": "p", "value": "1"}]},
    ),
    ("PATCH", "2.0/mlflow/logged-models/<model>/tags", {"tags": [_TAG]}),
    ("DELETE", "2.0/mlflow/logged-models/<model>/tags/word", None),
    ("GET", "2.0/mlflow/logged-models/<model>/artifacts/directories", None),
    ("GET", "2.0/mlflow/logged-models/<model>/artifacts/files?artifact_file_path=MLmodel", None),
    ("PATCH", "2.0/mlflow/logged-models/<model>", {"model_id": "<model>", "status": "LOGGED_MODEL_READY"}),
    ("GET", "2.0/mlflow/traces?experiment_ids=<id>&max_results=5", None),
    ("POST", "2.0/mlflow/traces", {"experiment_id": "<id>", "timestamp_ms": 1}),
    ("PATCH", "2.0/mlflow/traces/<trace>", {"status": "OK", "timestamp_ms": 5}),
    ("GET", "2.0/mlflow/traces/<trace>/info", None),
    ("PATCH", "2.0/mlflow/traces/<trace>/tags", _TAG),
    ("DELETE", "2.0/mlflow/traces/<trace>/tags", {"key": "word"}),
    ("POST", "2.0/mlflow/traces/link-to-run", {"run_id": "<run>", "trace_ids": ["<trace>"]}),
    (
        "POST",
        "2.0/mlflow/traces/link-prompts",
        {"trace_id": "<trace>", "prompt_versions": [{"name": "p", "version": "1"}]},
    ),
    ("GET", "2.0/mlflow/get-trace-artifact?request_id=<trace>", None),
    ("POST", "3.0/mlflow/traces", _STARTED),
    ("GET", "3.0/mlflow/traces/<trace>", None),
    ("GET", "3.0/mlflow/traces/get?trace_id=<trace>", None),
    ("GET", "3.0/mlflow/traces/batchGet?trace_ids=<trace>", None),
    ("POST", "3.0/mlflow/traces/batchGetInfos", {"trace_ids": ["<trace>"]}),
    (
        "POST",
        "3.0/mlflow/traces/search",
        {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "<id>"}}]},
    ),
    ("POST", "3.0/mlflow/traces/metrics", {"experiment_ids": ["<id>"], **_METRICS}),
    ("POST", "3.0/mlflow/traces/calculate-filter-correlation", {"experiment_ids": ["<id>"], **_FILTERS}),
    ("PATCH", "3.0/mlflow/traces/<trace>/tags", _TAG),
    ("DELETE", "3.0/mlflow/traces/<trace>/tags", {"key": "word"}),
    ("POST", "3.0/mlflow/traces/<trace>/assessments", _ASSESSMENT),
    ("GET", "3.0/mlflow/traces/<trace>/assessments/<assessment>", None),
    (
        "PATCH",
        "3.0/mlflow/traces/<trace>/assessments/<assessment>",
        {**_ASSESSMENT, "update_mask": "assessmentName"},
    ),
    ("GET", "3.0/mlflow/get-trace-artifact?request_id=<trace>", None),
    ("POST", "3.0/mlflow/datasets/create", {"name": "more", "experiment_ids": ["<id>"]}),
    ("GET", "3.0/mlflow/datasets/search", None),
    ("POST", "3.0/mlflow/datasets/search", {"experiment_ids": ["<id>"]}),
    ("GET", "3.0/mlflow/datasets/<dataset>", None),
    ("GET", "3.0/mlflow/datasets/<dataset>/experiment-ids", None),
    ("POST", "3.0/mlflow/datasets/<dataset>/add-experiments", {"experiment_ids": ["<id>"]}),
    ("POST", "3.0/mlflow/datasets/<dataset>/remove-experiments", {"experiment_ids": []}),
    ("POST", "3.0/mlflow/datasets/<dataset>/records", {"records": '[{"inputs": {"a": "<word>"}}]'}),
    ("GET", "3.0/mlflow/datasets/<dataset>/records", None),
    ("DELETE", "3.0/mlflow/datasets/<dataset>/records", {"dataset_record_ids": ["x"]}),
    ("PATCH", "3.0/mlflow/datasets/<dataset>/tags", {"tags": '{"word": "open"}'}),
    ("DELETE", "3.0/mlflow/datasets/<dataset>/tags/word", None),
    ("DELETE", "3.0/mlflow/traces/<trace>/assessments/<assessment>", None),
    ("POST", "2.0/mlflow/traces/delete-traces", {"experiment_id": "<id>", "request_ids": ["x"]}),
    ("POST", "3.0/mlflow/traces/delete-traces", {"experiment_id": "<id>", "request_ids": ["<trace>"]}),
    ("DELETE", "2.0/mlflow/logged-models/<model>", None),
    ("DELETE", "3.0/mlflow/datasets/<dataset>", None),
    ("POST", "2.0/mlflow/experiments/update", {"experiment_id": "<id>", "new_name": "<name>-renamed"}),
]

# These never refuse: they show less.
_LISTS = ("experiments/search", "datasets/search")


@pytest.fixture(scope="module")
def secret(stack: TrackingStack) -> Experiment:
    return make(stack, "good")


def _filled(experiment: Experiment, value: Any) -> Any:
    if isinstance(value, str):
        return experiment.fill(value)
    if isinstance(value, dict):
        return {key: _filled(experiment, item) for key, item in value.items()}
    return [_filled(experiment, item) for item in value] if isinstance(value, list) else value


def _is_list(path: str) -> bool:
    return path.partition("?")[0].endswith(_LISTS)


def test_every_call_that_names_something_stands_in_the_list() -> None:
    listed = {(method, _pattern(path)) for method, path, _ in CALLS}
    named = (Rule.CLAIMS, Rule.LIST_EXPERIMENTS, Rule.LIST_DATASETS)

    offered = {(door.method, door.path) for door in doors() if door.rule in named}

    # That one has an address without a prefix, and a test of its own.
    assert listed == offered - {("GET", "mlflow/get-artifact")}


def _pattern(path: str) -> str:
    parts = path.partition("?")[0].split("/")
    return "/".join("*" if part.startswith("<") or part == "word" else part for part in parts)


@pytest.mark.parametrize("prefix", MLFLOW_PREFIXES)
@pytest.mark.parametrize(("method", "path", "body"), [pytest.param(*call, id=f"{call[0]} {call[1]}") for call in CALLS])
def test_a_stranger_gets_nowhere(
    stack: TrackingStack, secret: Experiment, prefix: str, method: str, path: str, body: Any
) -> None:
    address, text = f"{prefix}/{secret.fill(path)}", _filled(secret, body)

    for ending in ("", "/") if "?" not in path else ("",):
        answer = send(stack, method, address + ending, text, by="mallory")

        assert answer.status == (200 if _is_list(path) and "experiment_ids" not in str(body) else 403), answer.text
        assert not [word for word in secret.secrets if word in answer.body]


def test_and_nothing_has_changed(stack: TrackingStack, secret: Experiment) -> None:
    before = rows(stack), files(stack)

    for method, path, body in CALLS:
        send(stack, method, f"/ajax-api/{secret.fill(path)}", _filled(secret, body), by="mallory")
        send(stack, method, f"/ajax-api/{secret.fill(path)}", _filled(secret, body), by="eve")

    assert (rows(stack), files(stack)) == before


def test_who_may_read_reads_all_and_changes_nothing(stack: TrackingStack, secret: Experiment) -> None:
    reads = {(door.method, door.path) for door in doors() if all(claim.action is Action.READ for claim in door.claims)}
    before = rows(stack)

    for method, path, body in CALLS:
        answer = send(stack, method, f"/ajax-api/{secret.fill(path)}", _filled(secret, body), by="audrey")
        assert answer.status == (200 if (method, _pattern(path)) in reads else 403), (path, answer.text)

    assert rows(stack) == before


def test_its_owner_gets_everywhere(stack: TrackingStack) -> None:
    own = make(stack, "good")

    for method, path, body in CALLS:
        answer = send(stack, method, f"/ajax-api/{own.fill(path)}", _filled(own, body), by="good")
        assert answer.status == 200, (method, path, answer.text)


def test_spans_reach_neither_an_experiment_nor_a_trace_of_a_stranger(stack: TrackingStack, secret: Experiment) -> None:
    mallorys = make(stack, "mallory")
    before = rows(stack)

    for experiment, traces, headers in (
        (secret.id, [mallorys.trace], {}),
        (mallorys.id, [secret.trace], {}),
        (mallorys.id, [mallorys.trace, secret.trace], {}),
        (mallorys.id, [mallorys.trace], {"x-mlflow-run-id": secret.run}),
    ):
        assert write_spans(stack, experiment, traces, "mallory", headers).status == 403
    assert write_spans(stack, f" {secret.id}", [mallorys.trace], "mallory").status in (400, 403)
    assert rows(stack) == before
